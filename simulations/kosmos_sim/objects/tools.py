"""Things to work with: spoon, fork, screwdriver, marker, hammer. All lie along x."""

from __future__ import annotations

import numpy as np

from kosmos_sim.meshes import Mesh, join, lathe, tube
from kosmos_sim.objects.model import STEEL, WHITE, BoxShape, Part, TableObject
from kosmos_sim.objects.proportions import TRAINED, Proportions


def _stem(length: float) -> Mesh:
    """Handle of spoon and fork: from x = 0, flat, arched, wider at its end."""
    x = np.linspace(0, length, 8)
    path = np.column_stack([x, 0 * x, 0.004 + 0.012 * np.sin(x / length * 3)])
    return tube(path, np.interp(x, [0, length * 0.8, length], [0.0038, 0.0065, 0.0075]), 8, 0.35)


def spoon(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    length = proportions.width(rng, 0.09, 0.12)
    angles = np.linspace(0, 1.45, 7)
    outside = [(np.sin(a), 1 - np.cos(a)) for a in angles[1:]]
    inside = [(0.92 * np.sin(a), 1.08 - 0.92 * np.cos(a)) for a in angles[::-1][:-1]]
    bowl = lathe([(0, 0), *outside, *inside, (0, 0.16)], 24).scaled(0.029, 0.02, 0.011).moved(-0.024)
    mesh = join(bowl, _stem(length)).moved(-(length - 0.05) / 2)
    shape = BoxShape((length * 0.6, 0.012, 0.006), (0, 0, 0.006))
    return TableObject("spoon", (Part(mesh.grounded(), None, 0.9),), (shape,))


def fork(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    length = proportions.width(rng, 0.09, 0.12)
    palm = tube([(0.004, 0, 0.004), (-0.012, 0, 0.004), (-0.026, 0, 0.006)], [0.005, 0.013, 0.0145], 10, 0.22)
    tines = [
        tube([(-0.022, y, 0.006), (-0.045, y, 0.01), (-0.064, y, 0.007)], [0.0032, 0.003, 0.002], 8, 0.7)
        for y in (-0.0115, -0.0038, 0.0038, 0.0115)
    ]
    mesh = join(palm, *tines, _stem(length)).moved(-(length - 0.064) / 2)
    shape = BoxShape((length * 0.7, 0.012, 0.006), (0, 0, 0.006))
    return TableObject("fork", (Part(mesh.grounded(), None, 0.9),), (shape,))


def _lying(mesh: Mesh, x: float, z: float) -> Mesh:
    """What was built along z, laid along x."""
    return mesh.turned("y", 90).moved(x, 0, z)


def screwdriver(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    handle = proportions.width(rng, 0.07, 0.09)
    z = np.linspace(0, handle, 10)
    radii = np.interp(z / handle, [0, 0.05, 0.3, 0.75, 0.9, 1], [0.008, 0.014, 0.0155, 0.013, 0.0095, 0.012])
    radii = radii * proportions.height_factor
    grip = lathe([(0, 0), *zip(radii, z, strict=True), (0, handle)], 24)
    around = np.arctan2(grip.vertices[:, 1], grip.vertices[:, 0])
    flutes = np.column_stack([*[1 + 0.09 * np.cos(6 * around)] * 2, np.ones_like(around)])
    grip = Mesh(grip.vertices * flutes, grip.faces)
    tip = handle + 0.09
    shaft = lathe([(0, handle), (0.004, handle), (0.004, tip - 0.015), (0.0022, tip), (0, tip)], 10)
    parts = (Part(_lying(grip, -handle, 0.0168), None, 0.4), Part(_lying(shaft, -handle, 0.0168), STEEL, 0.9))
    return TableObject("screwdriver", parts, (BoxShape((handle, 0.012, 0.0145), (0, 0, 0.0145)),))


def marker(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    """Barrel and cap in the named colour, a white label and a white end between them."""
    radius, length = proportions.height(rng, 0.0095, 0.011), proportions.width(rng, 0.105, 0.125)
    barrel = lathe([(0, 0), (radius, 0), (radius, length * 0.68), (0, length * 0.68)], 18)
    cap_shares = [(1.14, 0.66), (1.12, 0.94), (0.8, 1.0)]
    cap_points = [(share * radius, z * length) for share, z in cap_shares]
    cap = lathe([(0, length * 0.66), *cap_points, (0, length)], 18)
    clip = tube([(-radius * 1.25, 0, length * 0.67), (-radius * 1.3, 0, length * 0.95)], 0.0022, 6)
    low, high, edge = length * 0.2, length * 0.5, radius * 1.02
    label = lathe([(radius, low), (edge, low), (edge, high), (radius, high)], 18)
    ring = lathe([(0, length * 0.63), (radius * 1.1, length * 0.63), (radius * 1.1, length * 0.67)], 18)
    height = radius * 1.15
    coloured = _lying(join(barrel, cap, clip), -length / 2, height)
    pale = _lying(join(label, ring), -length / 2, height)
    shape = BoxShape((length / 2, radius, radius), (0, 0, radius))
    return TableObject("marker", (Part(coloured, None, 0.4), Part(pale, WHITE, 0.2)), (shape,))


def hammer(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    length = proportions.width(rng, 0.13, 0.16)
    middle = 0.0135
    grip = tube([(-length * 0.5, 0, middle), (length * 0.15, 0, middle)], [0.012, 0.0105], 12, 0.85)
    neck = tube([(length * 0.15, 0, middle), (length * 0.5, 0, middle)], 0.0075, 10, 0.85)
    y = (-0.042, -0.014, 0.014, 0.024, 0.036)
    head = tube([(length * 0.5, side, middle) for side in y], [0.0035, 0.0105, 0.0105, 0.0135, 0.0135], 12)
    parts = (Part(grip, None, 0.2), Part(neck, (0.72, 0.55, 0.36), 0.1), Part(head, (0.36, 0.36, 0.39), 0.8))
    shapes = (
        BoxShape((length * 0.5, 0.012, 0.012), (0, 0, middle)),
        BoxShape((0.0125, 0.038, 0.0125), (length * 0.5, 0, middle)),
    )
    return TableObject("hammer", parts, shapes)
