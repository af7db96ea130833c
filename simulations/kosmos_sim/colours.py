"""The eleven colour words as ranges of hue, saturation and value that do not meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class ColourRange:
    """Hue in degrees (low may be negative: red wraps around 0), saturation and value in [0, 1]."""

    hue_deg: tuple[float, float]
    saturation: tuple[float, float]
    value: tuple[float, float]


COLOURS: dict[str, ColourRange] = {
    "red": ColourRange((-8, 5), (0.85, 1.0), (0.62, 0.9)),
    "orange": ColourRange((21, 30), (0.88, 1.0), (0.92, 1.0)),
    "yellow": ColourRange((49, 58), (0.75, 1.0), (0.88, 1.0)),
    "green": ColourRange((98, 145), (0.6, 1.0), (0.38, 0.75)),
    "blue": ColourRange((208, 232), (0.72, 1.0), (0.55, 0.95)),
    "purple": ColourRange((268, 286), (0.55, 0.85), (0.42, 0.68)),
    "pink": ColourRange((326, 345), (0.32, 0.55), (0.93, 1.0)),
    "brown": ColourRange((19, 27), (0.58, 0.78), (0.3, 0.42)),
    "black": ColourRange((0, 360), (0.0, 0.1), (0.03, 0.09)),
    "white": ColourRange((0, 360), (0.0, 0.04), (0.93, 1.0)),
    "gray": ColourRange((0, 360), (0.0, 0.05), (0.36, 0.47)),
}


def rgb_from_hsv(hue_deg: float, saturation: float, value: float) -> Rgb:
    """Components in [0, 1]; the hue may lie outside [0, 360)."""

    def component(shift: float) -> float:
        k = (shift + hue_deg / 60) % 6
        return value - value * saturation * max(0.0, min(k, 4 - k, 1))

    return component(5), component(3), component(1)


def sample_rgb(word: str, rng: np.random.Generator) -> Rgb:
    """A colour that the word names beyond doubt."""
    colour = COLOURS[word]
    return rgb_from_hsv(rng.uniform(*colour.hue_deg), rng.uniform(*colour.saturation), rng.uniform(*colour.value))
