"""What things are made of in the path-traced look: plastic, glazed ceramic, painted wood, stoneware, metal."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.looks.export import Role, Surface
from kosmos_sim.textures import noise

_METAL_SHININESS = 0.75
_GREY = 0.08
_MAX_REFLECTANCE, _MIN_REFLECTANCE = 0.82, 0.003


class Finish(Enum):
    """How a surface shines. PAINTED: under its paint the grain of wood shows, or specks as of stoneware."""

    MATT = "matt"
    SATIN = "satin"
    GLAZED = "glazed"
    PAINTED = "painted"
    METAL = "metal"


def draw_finish(rng: np.random.Generator) -> Finish:
    """Of one object: all its parts in the named colour share it."""
    return (Finish.MATT, Finish.SATIN, Finish.GLAZED, Finish.PAINTED)[int(rng.choice(4, p=[0.27, 0.25, 0.23, 0.25]))]


def finish_of(surface: Surface, drawn: Finish) -> Finish:
    """drawn: that of its object, for the parts in the named colour."""
    if surface.role is Role.ARM:
        return Finish.SATIN
    if surface.role is Role.OBJECT and not surface.named:
        grey = max(surface.rgb) - min(surface.rgb) < _GREY
        if grey and surface.shininess >= _METAL_SHININESS:
            return Finish.METAL
        return Finish.SATIN if surface.shininess > 0 else Finish.MATT
    return drawn


def reflectance(rgb: NDArray[np.float64] | tuple[float, float, float]) -> NDArray[np.float64]:
    """Linear diffuse reflectance of an sRGB colour in [0, 1], within what real paints have."""
    values = np.asarray(rgb, dtype=np.float64)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    clipped: NDArray[np.float64] = np.clip(linear, _MIN_REFLECTANCE, _MAX_REFLECTANCE)
    return clipped


def draw_shade(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """(size, size) to multiply a reflectance by: near 1, so that the colour's name stays true."""
    if rng.random() < 0.6:
        return _grain(rng, size)
    dots = rng.random((size, size)) > 0.985
    specks: NDArray[np.float64] = np.where(dots, 0.65, 1 - 0.06 * noise(rng, size, 4))
    return specks


def _grain(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Fine lines along u."""
    y, _ = np.mgrid[0:size, 0:size] / size
    lines = 0.5 + 0.5 * np.sin(2 * np.pi * (y * rng.uniform(14, 26) + 1.5 * noise(rng, size, 3)))
    shade: NDArray[np.float64] = 1 - 0.3 * lines**3 - 0.1 * noise(rng, size, 6)
    return shade
