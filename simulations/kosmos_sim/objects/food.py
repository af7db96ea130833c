"""Things to eat: apple, banana, carrot, pear, donut."""

from __future__ import annotations

import numpy as np

from kosmos_sim.colours import Rgb
from kosmos_sim.meshes import Mesh, join, lathe, superquadric, torus, tube
from kosmos_sim.objects.model import BoxShape, CylinderShape, Part, TableObject
from kosmos_sim.objects.proportions import TRAINED, Proportions

BARK: Rgb = (0.3, 0.2, 0.1)
LEAF: Rgb = (0.2, 0.5, 0.15)
RED: Rgb = (0.75, 0.07, 0.07)
GREEN: Rgb = (0.32, 0.68, 0.13)
PALE_GREEN: Rgb = (0.35, 0.71, 0.18)
YELLOW: Rgb = (0.93, 0.8, 0.15)


def apple(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius, tall = proportions.width(rng, 0.033, 0.04), 0.92 * proportions.height_factor
    angles = np.linspace(-np.pi / 2, np.pi / 2, 19)
    radii = radius * np.cos(angles) * (1 + (0.12 + 0.05 * proportions.profile) * np.sin(angles))
    dimple = 0.35 * radius * np.exp(-(((angles - np.pi / 2) / 0.35) ** 2))
    z = radius * tall * np.sin(angles) - dimple
    z -= z.min()
    radii[[0, -1]] = 0
    word, rgb = (("red", RED), ("green", GREEN))[int(rng.integers(2))]
    stem = tube([(0, 0, radius * 1.25), (0.003, 0, radius * 1.75), (0.007, 0, radius * 2.05)], 0.0018, 6)
    leaf = superquadric(0.011, 0.005, 0.0012, 1, 1, 8, 12).turned("y", -20).moved(0.014, 0, radius * 1.8)
    body = lathe(np.column_stack([radii, z]))
    parts = (Part(body, rgb, 0.5), Part(stem, BARK, 0.0), Part(leaf, LEAF, 0.1))
    return TableObject("apple", parts, (CylinderShape(radius * 0.8, 1.7 * radius),), word)


def pear(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius, height = proportions.width(rng, 0.032, 0.037), proportions.height(rng, 0.088, 0.1)
    shares = [(0.45, 0.0), (0.85, 0.09), (1.0, 0.28), (0.92, 0.45), (0.66, 0.63), (0.48, 0.78), (0.36, 0.92)]
    fine = np.linspace(0, len(shares) - 1, 19)
    table = np.array(shares)
    profile = np.column_stack([np.interp(fine, range(len(shares)), table[:, k]) for k in range(2)])
    body = lathe([(0, 0), *(profile * (radius, height)).tolist(), (0, height)])
    stem = tube([(0, 0, height * 0.97), (0.002, 0, height * 1.08), (0.006, 0, height * 1.16)], 0.0018, 6)
    word, rgb = (("green", PALE_GREEN), ("yellow", YELLOW))[int(rng.integers(2))]
    parts = (Part(body, rgb, 0.3), Part(stem, BARK, 0.0))
    return TableObject("pear", parts, (CylinderShape(radius * 0.85, height * 0.8),), word)


def banana(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    bend, arc = proportions.width(rng, 0.075, 0.095), rng.uniform(1.5, 1.9)
    thick = 0.017 * proportions.height_factor
    angles = np.linspace(-arc / 2, arc / 2, 15)
    widths = np.clip(np.cos(angles / arc * np.pi * 0.93), 0.12, 1) ** 0.55 * thick
    widths[-2:] = 0.005
    middle = np.full_like(angles, 0.0142 * proportions.height_factor)
    path = np.column_stack([bend * np.sin(angles), bend * np.cos(angles) - bend * 0.85, middle])
    tips = join(tube(path[-2:] + np.array([0.002, -0.002, 0]), 0.0056, 8), tube(path[:2], [0.0035, 0.003], 8))
    parts = (Part(tube(path, widths, 6, 0.95), (0.95, 0.8, 0.12), 0.3), Part(tips, (0.3, 0.22, 0.08), 0.0))
    shape = BoxShape((bend * 0.7, 0.014, 0.015), (0, 0, 0.015))
    return TableObject("banana", parts, (shape,), "yellow")


def carrot(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    length, thick = proportions.width(rng, 0.1, 0.14), proportions.height_factor
    x = np.linspace(0, length, 9)
    radii = thick * (0.017 * (1 - x / length) ** (0.7 * proportions.exponent) + 0.0015)
    body = tube(np.column_stack([x - length / 2, 0 * x, np.full_like(x, 0.0185 * thick)]), radii, 12)
    spread = ((-0.02, 0.0), (-0.009, 0.012), (0.0, 0.004), (0.009, 0.012), (0.02, 0.002))
    leaves = join(*(_carrot_leaf(length, y, z) for y, z in spread))
    parts = (Part(body, (0.95, 0.45, 0.05), 0.2), Part(leaves, (0.15, 0.5, 0.15), 0.0))
    shape = BoxShape((length / 2, 0.012, 0.014), (0, 0, 0.014))
    return TableObject("carrot", parts, (shape,), "orange")


def _carrot_leaf(length: float, side: float, rise: float) -> Mesh:
    start = -length / 2
    path = [(start, 0, 0.0175), (start - 0.02, side * 0.6, 0.021 + rise), (start - 0.05, side, 0.019 + rise)]
    return tube(path, [0.003, 0.006, 0.0012], 6)


def donut(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    ring, thickness = proportions.width(rng, 0.03, 0.035), proportions.height(rng, 0.014, 0.017)
    dough = torus(ring, thickness)
    raised = dough.vertices[:, 2:] > thickness * 1.0
    icing = np.where(
        raised,
        dough.vertices + np.array([0, 0, 0.002]),
        dough.vertices * np.array([1, 1, 0.9]) + np.array([0, 0, 0.001]),
    )
    parts = (Part(dough, (0.72, 0.47, 0.22), 0.1), Part(Mesh(icing, dough.faces), None, 0.5))
    return TableObject("donut", parts, (CylinderShape(ring + thickness, 2 * thickness),))
