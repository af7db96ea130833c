"""Other light and surfaces on the things of a picture: a shape is to be known by more than one renderer's shading."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

CONTRAST = (0.55, 1.5)
"""Of a thing's own shading: from nearly flat (much light from all around) to harsh (one lamp)."""
SHADE = (0.0, 0.3)
GRAIN = (0.0, 0.12)
"""Strength, in logarithms of brightness, of slow shades and of fine or streaky grain."""
SHINE = (40.0, 160.0)
_SHINY_SHARE = 0.3
_GROUND_SHARE = 0.5
"""How strong the same is on what is no thing: table, wall, floor."""
_FACTOR = (0.45, 2.0)


def resurface(rgb: NDArray[np.uint8], instances: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 and the (M, N) map of its things to the same picture, each thing with a surface of its own.

    Brightness is multiplied, so hues stay; the mean brightness of each thing stays within a few percent, so that
    black, gray, brown and white stay what they are; highlights are small.
    """
    height, width = rgb.shape[:2]
    thing = cv2.resize(instances, (width, height), interpolation=cv2.INTER_NEAREST)
    light = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32) + 1.0
    contrast, shade, grain = _drawn(CONTRAST, rng), _drawn(SHADE, rng), _drawn(GRAIN, rng)
    mean = means(light, thing)
    factor = (mean + (light - mean) * contrast[thing]) / light
    slow = shade[thing] * waves((height, width), rng, cells=int(rng.integers(5, 14)))
    fine = grain[thing] * streaks((height, width), rng)
    factor = np.clip(factor, *_FACTOR) * np.exp(slow + fine)
    factor *= mean / np.maximum(means(factor * light, thing), 1.0)
    out = rgb * np.clip(factor, *_FACTOR)[..., None] + _highlights(thing, rng)[..., None]
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def means(values: Field, thing: NDArray[np.uint8]) -> Field:
    """At each pixel the mean over the thing that it belongs to."""
    flat = thing.ravel()
    sums = np.bincount(flat, values.ravel(), 256) / np.maximum(np.bincount(flat, minlength=256), 1)
    return np.asarray(sums.astype(np.float32)[thing])


def waves(shape: tuple[int, int], rng: np.random.Generator, cells: int) -> Field:
    """Smooth noise of unit deviation, about `cells` bumps across."""
    coarse = rng.standard_normal((cells, cells), np.float32)
    smooth = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth / max(float(smooth.std()), 1e-6), np.float32)


def streaks(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Grain of unit deviation: even, or drawn out in one direction as in wood and brushed metal."""
    along, across = int(rng.integers(1, 30)), int(rng.integers(1, 4))
    size = (along, across) if rng.random() < 0.5 else (across, along)
    smooth = cv2.blur(rng.standard_normal(shape, np.float32), size)
    return np.asarray(smooth / max(float(smooth.std()), 1e-6), np.float32)


def _drawn(bounds: tuple[float, float], rng: np.random.Generator) -> Field:
    """A value for each thing; for what is none, one half as far from nothing."""
    values = rng.uniform(*bounds, 256).astype(np.float32)
    neutral = 1.0 if bounds[0] > 0 else 0.0
    values[0] = neutral + (values[0] - neutral) * _GROUND_SHARE
    return values


def _highlights(thing: NDArray[np.uint8], rng: np.random.Generator) -> Field:
    """Levels to add: the crests of waves, on the things that shine."""
    shine = rng.uniform(*SHINE, 256) * (rng.random(256) < _SHINY_SHARE)
    shine[0] = 0.0
    crests = np.clip(waves((thing.shape[0], thing.shape[1]), rng, cells=18) - 1.6, 0.0, 1.0)
    return np.asarray(shine.astype(np.float32)[thing] * crests, np.float32)
