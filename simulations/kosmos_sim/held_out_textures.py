"""Surfaces that training never shows, for the held-out looks; made in numpy like those of `textures`."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.colours import rgb_from_hsv
from kosmos_sim.textures import Plane, noise

Rows = NDArray[np.float64]
Painter = Callable[[np.random.Generator, Plane, Plane], Rows]
"""x, y: (N, N) in [0, 1). Returns (N, N, 3) in [0, 1]."""


def _tone(
    rng: np.random.Generator, hue: tuple[float, float], saturation: tuple[float, float], value: tuple[float, float]
) -> Rows:
    return np.array(rgb_from_hsv(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value)))


def _grains(rng: np.random.Generator, size: int, cells: int) -> Plane:
    """One octave of noise: spots of one size, in [0, 1]."""
    grown = cv2.resize(rng.random((cells, cells)), (size, size), interpolation=cv2.INTER_CUBIC)
    spots: Plane = np.clip(grown, 0, 1)
    return spots


def _mixed(first: Rows, second: Rows, share: Plane) -> Rows:
    result: Rows = first + (second - first) * share[..., None]
    return result


def _knotted_wood(rng: np.random.Generator, x: Plane, y: Plane) -> Rows:
    """Boards cut along the grain, with growth rings that bend around knots."""
    pale = _tone(rng, (24, 36), (0.25, 0.5), (0.6, 0.9))
    across = y * 3 + 0.25 * noise(rng, len(x), 3)
    for knot_x, knot_y in rng.random((4, 2)):
        away = np.hypot((x - knot_x) * 1.2, (y - knot_y) * 3)
        across += 0.3 * np.exp(-((away / 0.16) ** 2))
    rings = 0.5 + 0.5 * np.sin(across * rng.uniform(24, 40))
    seams = np.abs((y * 4) % 1 - 0.5) > 0.485
    return _mixed(pale, pale * (0.72, 0.64, 0.55), np.where(seams, 1.0, 0.55 * rings**2))


def _herringbone(rng: np.random.Generator, x: Plane, y: Plane) -> Rows:
    """Parquet: short blocks that lean left and right in turn."""
    tone = _tone(rng, (22, 34), (0.3, 0.6), (0.45, 0.8))
    lean = np.where((x * 6).astype(int) % 2 == 0, x, -x)
    along = (y * 12 + lean * 12) % 12
    shades = rng.random((6, 12))[(x * 6).astype(int), along.astype(int)]
    seam = (np.abs(along % 1 - 0.5) > 0.45) | (np.abs((x * 6) % 1 - 0.5) > 0.47)
    fine = noise(rng, len(x), 7)
    return _mixed(tone, tone * 0.55, np.where(seam, 0.9, 0.4 * shades + 0.25 * fine))


def _terrazzo(rng: np.random.Generator, x: Plane, y: Plane) -> Rows:
    """Chips of several stones in cement: cells around random points."""
    pixels = np.broadcast_to(_tone(rng, (20, 60), (0.02, 0.12), (0.7, 0.92)), (*x.shape, 3)).copy()
    stones = [_tone(rng, (0, 360), (0.05, 0.4), (0.3, 0.85)) for _ in range(4)]
    for chip_x, chip_y in rng.random((160, 2)):
        turn, long, wide = rng.uniform(0, np.pi), rng.uniform(0.012, 0.035), rng.uniform(0.008, 0.02)
        right, up = (x - chip_x + 0.5) % 1 - 0.5, (y - chip_y + 0.5) % 1 - 0.5
        u, v = right * np.cos(turn) + up * np.sin(turn), up * np.cos(turn) - right * np.sin(turn)
        pixels[np.abs(u / long) + np.abs(v / wide) < 1] = stones[int(rng.integers(4))]
    return pixels


def _tartan(rng: np.random.Generator, x: Plane, y: Plane) -> Rows:
    """A woven table cloth: bands of two tones that cross."""
    ground = _tone(rng, (0, 360), (0.1, 0.4), (0.7, 0.95))
    band = _tone(rng, (0, 360), (0.25, 0.55), (0.45, 0.75))
    count = int(rng.integers(3, 6))
    warp = ((x * count) % 1 < 0.42) * 0.5 + (np.abs((x * count) % 1 - 0.75) < 0.03) * 0.4
    weft = ((y * count) % 1 < 0.42) * 0.5 + (np.abs((y * count) % 1 - 0.75) < 0.03) * 0.4
    return _mixed(ground, band, np.clip(warp + weft, 0, 1) * 0.85 + 0.05 * noise(rng, len(x), 6))


def _linen(rng: np.random.Generator, x: Plane, y: Plane) -> Rows:
    """Coarse threads of uneven thickness, both ways."""
    ground = _tone(rng, (0, 360), (0.03, 0.25), (0.55, 0.9))
    threads = rng.random((2, 1, len(x)))
    woven = 0.5 * threads[0] + 0.5 * threads[1].T
    return _mixed(ground, ground * 0.7, 0.6 * woven + 0.3 * noise(rng, len(x), 6))


def _concrete(rng: np.random.Generator, x: Plane, y: Plane) -> Rows:
    """Cloudy, with small dark pores."""
    ground = _tone(rng, (20, 220), (0.0, 0.07), (0.5, 0.78))
    pores = _grains(rng, len(x), 90) > 0.95
    return _mixed(ground * 1.08, ground * 0.78, np.where(pores, 0.9, 0.6 * noise(rng, len(x), 5)))


def _cork(rng: np.random.Generator, x: Plane, y: Plane) -> Rows:
    ground = _tone(rng, (26, 34), (0.35, 0.5), (0.65, 0.8))
    grains = 0.5 * _grains(rng, len(x), 40) + 0.5 * _grains(rng, len(x), 80)
    return _mixed(ground, ground * 0.55, 0.8 * grains + 0.5 * (_grains(rng, len(x), 60) > 0.93))


def _bricks(rng: np.random.Generator, x: Plane, y: Plane) -> Rows:
    tone, mortar = _tone(rng, (8, 30), (0.25, 0.5), (0.5, 0.8)), _tone(rng, (30, 50), (0.05, 0.1), (0.7, 0.85))
    row = (y * 8).astype(int)
    column = (x * 4 + 0.5 * (row % 2)) % 4
    shades = rng.random((8, 4))[row, column.astype(int)]
    joint = (np.abs((y * 8) % 1 - 0.5) > 0.44) | (np.abs(column % 1 - 0.5) > 0.47)
    brick = _mixed(tone, tone * 0.65, 0.6 * shades + 0.4 * noise(rng, len(x), 6))
    result: Rows = np.where(joint[..., None], mortar, brick)
    return result


KINDS: dict[str, Painter] = {
    "knotted wood": _knotted_wood,
    "herringbone": _herringbone,
    "terrazzo": _terrazzo,
    "tartan": _tartan,
    "linen": _linen,
    "concrete": _concrete,
    "cork": _cork,
    "bricks": _bricks,
}
_WEIGHTS = np.array([0.27, 0.12, 0.1, 0.1, 0.14, 0.14, 0.08, 0.05])


def held_out_texture(rng: np.random.Generator, size: int = 256) -> NDArray[np.uint8]:
    """(size, size, 3) RGB of a kind drawn at random; bricks and the like are for walls too."""
    kind = str(rng.choice(list(KINDS), p=_WEIGHTS))
    y, x = np.mgrid[0:size, 0:size] / size
    pixels: NDArray[np.uint8] = np.clip(KINDS[kind](rng, x, y) * 255, 0, 255).astype(np.uint8)
    return pixels
