"""Plain bodies: box, block, book, cone, cylinder, star, ball, candle."""

from __future__ import annotations

import numpy as np

from kosmos_sim.meshes import cuboid, join, lathe, prism, superquadric, tube
from kosmos_sim.objects.model import (
    DARK,
    STEEL,
    WHITE,
    BoxShape,
    CylinderShape,
    Part,
    SphereShape,
    Support,
    TableObject,
)
from kosmos_sim.objects.proportions import TRAINED, Proportions


def box(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    """A small carton with a strip of tape over the top."""
    half_x, half_y = proportions.width(rng, 0.03, 0.05), proportions.width(rng, 0.025, 0.04)
    height = proportions.height(rng, 0.045, 0.08)
    tape = cuboid(half_x * 1.006, half_y * 0.14, height * 1.006)
    parts = (Part(cuboid(half_x, half_y, height), None, 0.1), Part(tape, (0.86, 0.78, 0.6), 0.3))
    shape = BoxShape((half_x, half_y, height / 2), (0, 0, height / 2))
    return TableObject("box", parts, (shape,), support=Support(height * 1.006, half_y))


def block(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    half = proportions.width(rng, 0.02, 0.03)
    rounding = 0.12 + 0.06 * proportions.profile
    mesh = superquadric(half, half, half, rounding, rounding, 20, 32)
    shape = BoxShape((half, half, half), (0, 0, half))
    return TableObject("block", (Part(mesh, None, 0.1),), (shape,), support=Support(2 * half, half))


def book(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    half_x, half_y = proportions.width(rng, 0.05, 0.065), proportions.width(rng, 0.07, 0.09)
    height = proportions.height(rng, 0.016, 0.03)
    cover, spine = cuboid(half_x, half_y, 0.002), cuboid(0.002, half_y, height).moved(-half_x + 0.002)
    pages = cuboid(half_x - 0.003, half_y - 0.003, height - 0.003).moved(0.001, 0, 0.0015)
    title = cuboid(half_x * 0.6, half_y * 0.12, 0.0006).moved(0, half_y * 0.4, height)
    shell = join(cover, cover.moved(z=height - 0.002), spine)
    parts = (Part(shell, None, 0.2), Part(pages, WHITE, 0.0), Part(title, WHITE, 0.0))
    shape = BoxShape((half_x, half_y, height / 2), (0, 0, height / 2))
    return TableObject("book", parts, (shape,), support=Support(height + 0.0006, half_x * 0.95))


def cone(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius, height = proportions.width(rng, 0.03, 0.04), proportions.height(rng, 0.07, 0.1)
    mesh = lathe([(0, 0), (radius, 0), (0, height)], 32)
    lying = 90.0 + float(np.rad2deg(np.arctan2(radius, height)))
    return TableObject("cone", (Part(mesh, None, 0.2),), (CylinderShape(radius * 0.6, height),), None, lying)


def cylinder(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius, height = proportions.width(rng, 0.024, 0.034), proportions.height(rng, 0.05, 0.08)
    mesh = lathe([(0, 0), (radius, 0), (radius, height), (0, height)], 32)
    shape = CylinderShape(radius, height)
    return TableObject("cylinder", (Part(mesh, None, 0.2),), (shape,), None, 90.0, Support(height, radius * 0.9))


def star(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    reach, height = proportions.width(rng, 0.04, 0.05), 0.018 * proportions.height_factor
    angles = np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, reach, reach * (0.45 + 0.05 * proportions.profile))
    mesh = prism(np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]), height)
    return TableObject("star", (Part(mesh, None, 0.2),), (CylinderShape(reach * 0.6, height),))


def ball(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius = proportions.width(rng, 0.026, 0.04)
    angles = np.linspace(-np.pi / 2, np.pi / 2, 17)
    profile = np.column_stack([radius * np.cos(angles), radius + radius * np.sin(angles)])
    profile[[0, -1], 0] = 0
    return TableObject("ball", (Part(lathe(profile), None, 0.7),), (SphereShape(radius, radius),))


def candle(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    """Wax in the named colour on a small dish of metal, with a flame."""
    radius, height = proportions.width(rng, 0.014, 0.019), proportions.height(rng, 0.07, 0.11)
    wax = lathe([(0, 0.004), (radius, 0.004), (radius, height), (radius * 0.7, height - 0.002), (0, height - 0.003)])
    wick = tube([(0, 0, height - 0.003), (0.001, 0, height + 0.009)], 0.0014, 6)
    flame_profile = [(0, 0.006), (0.0055, 0.012), (0.006, 0.017), (0.0035, 0.026), (0, 0.036)]
    flame = lathe([(r, height + z) for r, z in flame_profile], 12)
    dish = lathe([(0, 0), (0.024, 0), (0.034, 0.008), (0.032, 0.009), (0.022, 0.004), (0, 0.004)])
    parts = (Part(wax, None, 0.3), Part(wick, DARK, 0.0), Part(flame, (1.0, 0.72, 0.2), 0.0), Part(dish, STEEL, 0.9))
    return TableObject("candle", parts, (CylinderShape(0.03, 0.008), CylinderShape(radius, height)))
