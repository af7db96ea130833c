"""Surfaces for tables, floors and walls, made in numpy: no files, no licences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.colours import rgb_from_hsv

Plane = NDArray[np.float64]
Surface = tuple[Plane, Plane]
"""A base colour (3,) and a shade (N, N) to multiply it by."""


def noise(rng: np.random.Generator, size: int, octaves: int = 5) -> Plane:
    """Smooth tileable noise in [0, 1]."""
    total = np.zeros((size, size))
    for octave in range(octaves):
        cells = 2 ** (octave + 1)
        grid = rng.random((cells, cells))
        position = np.linspace(0, cells, size, endpoint=False)
        low = position.astype(int)
        blend = position - low
        blend = blend * blend * (3 - 2 * blend)
        rows = grid[low] * (1 - blend)[:, None] + grid[(low + 1) % cells] * blend[:, None]
        total += (rows[:, low] * (1 - blend) + rows[:, (low + 1) % cells] * blend) / 2**octave
    total -= total.min()
    result: Plane = total / total.max()
    return result


def _base(
    rng: np.random.Generator, hue: tuple[float, float], saturation: tuple[float, float], value: tuple[float, float]
) -> Plane:
    return np.array(rgb_from_hsv(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value)))


def _wood(rng: np.random.Generator, x: Plane, y: Plane) -> Surface:
    base = _base(rng, (20, 38), (0.2, 0.6), (0.45, 0.92))
    warp = noise(rng, len(x), 3)
    grain = np.sin((y * rng.uniform(6, 22) + warp * rng.uniform(1, 4)) * 2 * np.pi)
    planks = 0.05 * ((y * rng.integers(2, 6)).astype(int) % 2)
    return base, 0.9 + 0.08 * grain - planks + 0.08 * (noise(rng, len(x), 6) - 0.5)


def _marble(rng: np.random.Generator, x: Plane, y: Plane) -> Surface:
    base = _base(rng, (0, 360), (0, 0.12), (0.7, 0.97))
    veins = np.abs(np.sin(6 * x + 8 * noise(rng, len(x)))) ** 12
    return base, 1 - rng.uniform(0.1, 0.35) * veins - 0.1 * noise(rng, len(x))


def _speckle(rng: np.random.Generator, x: Plane, y: Plane) -> Surface:
    base = _base(rng, (0, 360), (0, 0.3), (0.4, 0.9))
    return base, 0.92 + rng.uniform(0.1, 0.35) * (rng.random(x.shape) - 0.5)


def _cloth(rng: np.random.Generator, x: Plane, y: Plane) -> Surface:
    base = _base(rng, (0, 360), (0.08, 0.55), (0.4, 0.92))
    threads = np.sin(x * len(x) * 0.8) * np.sin(y * len(x) * 0.8)
    return base, 0.88 + 0.08 * threads + 0.1 * noise(rng, len(x))


def _checker(rng: np.random.Generator, x: Plane, y: Plane) -> Surface:
    base = _base(rng, (0, 360), (0, 0.4), (0.6, 0.95))
    cells = int(rng.integers(3, 9))
    return base, 1 - ((x * cells).astype(int) + (y * cells).astype(int)) % 2 * rng.uniform(0.08, 0.3)


def _stripes(rng: np.random.Generator, x: Plane, y: Plane) -> Surface:
    base = _base(rng, (0, 360), (0, 0.4), (0.6, 0.95))
    return base, 1 - (x * int(rng.integers(3, 14))).astype(int) % 2 * rng.uniform(0.06, 0.25)


def _plain(rng: np.random.Generator, x: Plane, y: Plane) -> Surface:
    return _base(rng, (0, 360), (0, 0.4), (0.45, 0.97)), 1 - 0.06 * noise(rng, len(x))


def _tiles(rng: np.random.Generator, x: Plane, y: Plane) -> Surface:
    base = _base(rng, (0, 360), (0, 0.3), (0.55, 0.95))
    cells = int(rng.integers(3, 8))
    edge = np.maximum(np.abs((x * cells) % 1 - 0.5), np.abs((y * cells) % 1 - 0.5))
    tone = rng.random((cells, cells))[(x * cells).astype(int), (y * cells).astype(int)]
    return base, np.where(edge > 0.47, rng.uniform(0.5, 0.8), 0.94 + 0.1 * (tone - 0.5))


_KINDS: dict[str, Callable[[np.random.Generator, Plane, Plane], Surface]] = {
    "wood": _wood,
    "marble": _marble,
    "speckle": _speckle,
    "cloth": _cloth,
    "checker": _checker,
    "stripes": _stripes,
    "plain": _plain,
    "tiles": _tiles,
}
_WEIGHTS = np.array([0.3, 0.1, 0.1, 0.12, 0.05, 0.06, 0.2, 0.07])


def texture(rng: np.random.Generator, size: int = 256) -> NDArray[np.uint8]:
    """(size, size, 3) RGB of a kind drawn at random."""
    kind = str(rng.choice(list(_KINDS), p=_WEIGHTS))
    y, x = np.mgrid[0:size, 0:size] / size
    base, shade = _KINDS[kind](rng, x, y)
    pixels: NDArray[np.uint8] = np.clip(base * shade[..., None] * 255, 0, 255).astype(np.uint8)
    return pixels
