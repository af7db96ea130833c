"""Things that hold something: cup, mug, bowl, plate, bottle, can, jar, pot, teapot, vase."""

from __future__ import annotations

import numpy as np

from kosmos_sim.meshes import Mesh, join, lathe, tube
from kosmos_sim.objects.model import (
    DARK,
    GREY,
    STEEL,
    WHITE,
    BoxShape,
    CylinderShape,
    Part,
    Support,
    TableObject,
    VesselShape,
)
from kosmos_sim.objects.proportions import TRAINED, Proportions

Profile = list[tuple[float, float]]


def _open_profile(
    bottom: float, top: float, height: float, wall: float = 0.003, curve: float = 1.0, foot: float = 0.004
) -> Profile:
    """Outside up, over the rim, inside down to the foot. curve below 1 bulges out."""
    steps = np.linspace(0, 1, 9)
    radii = bottom + (top - bottom) * steps**curve
    outside = list(zip(radii[1:], height * steps[1:], strict=True))
    inside = list(zip(radii[::-1][1:-1] - wall, height * steps[::-1][1:-1], strict=True))
    return [(0, 0), (bottom, 0), *outside, (top - wall, height), *inside, (bottom - wall, foot), (0, foot)]


def _handle(radius: float, low: float, high: float, reach: float, thickness: float) -> Mesh:
    angles = np.linspace(-np.pi / 2, np.pi / 2, 13)
    middle, half = (low + high) / 2, (high - low) / 2
    path = np.column_stack([radius + reach * np.cos(angles), 0 * angles, middle + half * np.sin(angles)])
    return tube(path, thickness, 10, 1.5, (0, 1, 0))


def _lying(bottom: float, top: float, height: float) -> float:
    """Turn about y that lays a straight-walled round thing on its side."""
    return 90.0 - float(np.rad2deg(np.arctan2(top - bottom, height)))


def cup(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    """At most 71 mm across, so that an 80 mm gripper takes it by the rim."""
    bottom, top = proportions.width(rng, 0.023, 0.027), proportions.width(rng, 0.030, 0.0355)
    height, wall = proportions.height(rng, 0.085, 0.11), 0.003 * proportions.wall
    body = lathe(_open_profile(bottom, top, height, wall, proportions.exponent))
    shape = VesselShape(bottom, top, height, wall)
    return TableObject("cup", (Part(body, None, 0.4),), (shape,), None, _lying(bottom, top, height))


def mug(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius, height = proportions.width(rng, 0.034, 0.042), proportions.height(rng, 0.08, 0.10)
    bottom, wall = radius * (0.97 - 0.13 * abs(proportions.profile)), 0.004 * proportions.wall
    body = lathe(_open_profile(bottom, radius, height, wall, proportions.exponent))
    handle = _handle(radius - 0.003, height * 0.18, height * 0.82, 0.028, 0.0055 * proportions.wall**0.5)
    shape = VesselShape(bottom, radius, height, wall)
    return TableObject("mug", (Part(join(body, handle), None, 0.6),), (shape,))


def bowl(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius, height = proportions.width(rng, 0.055, 0.075), proportions.height(rng, 0.04, 0.055)
    wall = 0.004 * proportions.wall
    body = lathe(_open_profile(radius * 0.45, radius, height, wall, 0.5 * proportions.exponent))
    shape = VesselShape(radius * 0.6, radius, height, wall)
    support = Support(0.006, radius * 0.62, inside=True)
    return TableObject("bowl", (Part(body, None, 0.6),), (shape,), support=support)


def plate(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius = proportions.width(rng, 0.075, 0.1)
    outside = [(0, 0), (0.6, 0), (0.68, 0.004), (1, 0.016), (1, 0.019)]
    inside = [(0.68, 0.008), (0.6, 0.005), (0, 0.005)]
    tall = proportions.height_factor
    body = lathe([(share * radius, z * tall) for share, z in outside + inside], 40)
    shape = CylinderShape(radius * 0.9, 0.008 * tall)
    return TableObject("plate", (Part(body, None, 0.6),), (shape,), support=Support(0.0055 * tall, radius * 0.6))


def bottle(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius, height = proportions.width(rng, 0.026, 0.034), proportions.height(rng, 0.16, 0.21)
    neck, rise = radius * (0.4 + 0.07 * proportions.profile), 0.06 * proportions.profile
    shoulder = [(radius, 0.58 + rise), (0.85 * radius, 0.68 + rise)]
    shares = [(0.95 * radius, 0.0), (radius, 0.03), *shoulder, (neck, 0.8), (neck, 0.9)]
    body = lathe([(0, 0), *((r, z * height) for r, z in shares), (0, height * 0.9)])
    cap = lathe([(0, height * 0.88), (neck * 1.25, height * 0.88), (neck * 1.25, height), (0, height)])
    low, high, label_radius = height * 0.2, height * 0.42, radius * 1.015
    label = lathe([(radius, low), (label_radius, low), (label_radius, high), (radius, high)])
    cap_rgb = (WHITE, DARK, GREY)[int(rng.integers(3))]
    parts = (Part(body, None, 0.8), Part(cap, cap_rgb, 0.3), Part(label, WHITE, 0.1))
    return TableObject("bottle", parts, (CylinderShape(radius, height * 0.68),), None, 90.0)


def can(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius, height = proportions.width(rng, 0.031, 0.035), proportions.height(rng, 0.1, 0.125)
    body = lathe([(radius * 0.98, 0.008), (radius, 0.008), (radius, height - 0.008), (radius * 0.98, height - 0.008)])
    bottom = [(0, 0.001), (radius * 0.8, 0), (radius * 0.98, 0.008), (radius * 0.98, height - 0.008)]
    ends = lathe([*bottom, (radius * 0.82, height), (radius * 0.78, height - 0.003), (0, height - 0.003)])
    tab = tube([(-0.003, 0, height - 0.001), (0.014, 0, height - 0.001)], 0.006, 10, 0.25)
    low, high, edge = height * 0.42, height * 0.58, radius * 1.012
    stripe = lathe([(radius, low), (edge, low), (edge, high), (radius, high)])
    parts = (Part(body, None, 0.5), Part(join(ends, tab), STEEL, 0.9), Part(stripe, WHITE, 0.3))
    return TableObject("can", parts, (CylinderShape(radius, height),), None, 90.0)


def jar(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    """Squat, with shoulders and a wide screw lid of metal."""
    radius, height = proportions.width(rng, 0.036, 0.043), proportions.height(rng, 0.075, 0.095)
    bend = 0.07 * proportions.profile
    shares = [(0.93, 0.0), (1, 0.06), (1, 0.62 - bend), (0.92 - bend, 0.72), (0.72, 0.79), (0.72, 0.86)]
    body = lathe([(0, 0), *((r * radius, z * height) for r, z in shares), (0, height * 0.86)])
    low, rim = height * 0.8, radius * 0.84
    lid = lathe([(0, low), (rim, low), (rim, height * 0.985), (rim * 0.96, height), (0, height)])
    low, high, edge = height * 0.18, height * 0.52, radius * 1.01
    label = lathe([(radius, low), (edge, low), (edge, high), (radius, high)])
    parts = (Part(body, None, 0.8), Part(lid, STEEL, 0.9), Part(label, WHITE, 0.1))
    return TableObject("jar", parts, (CylinderShape(radius, height),), None, None, Support(height, rim * 0.9))


def pot(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    """A saucepan: wide, open, with one long dark handle."""
    radius, height = proportions.width(rng, 0.055, 0.068), proportions.height(rng, 0.05, 0.065)
    bottom, wall = radius * (0.96 - 0.1 * abs(proportions.profile)), 0.003 * proportions.wall
    body = lathe(_open_profile(bottom, radius, height, wall, proportions.exponent), 32)
    reach = proportions.width(rng, 0.09, 0.11)
    z = height * 0.82
    path = [(radius * 0.97, 0, z), (radius + reach * 0.4, 0, z + 0.006), (radius + reach, 0, z + 0.012)]
    handle = tube(path, [0.006, 0.009, 0.009], 10, 0.6)
    shapes = (
        VesselShape(bottom, radius, height, wall),
        BoxShape((reach / 2, 0.009, 0.006), (radius + reach / 2, 0, z + 0.006)),
    )
    support = Support(0.005, radius * 0.8, inside=True)
    return TableObject("pot", (Part(body, None, 0.7), Part(handle, DARK, 0.3)), shapes, support=support)


def teapot(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    radius = proportions.width(rng, 0.045, 0.055)
    angles = np.linspace(-1.15, 1.1, 11)
    high = radius * 0.8 * proportions.height_factor
    belly = [(radius * np.cos(a), high * (np.sin(a) + np.sin(1.15))) for a in angles]
    top = float(belly[-1][1])
    lid = [(radius * 0.45, 0), (radius * 0.47, 0.003), (radius * 0.3, 0.012), (0.006, 0.015), (0.004, 0.019)]
    knob = [(0.009, 0.026), (0.006, 0.033), (0, 0.034)]
    body = lathe([(0, 0), *belly, *((r, top + z) for r, z in lid + knob)])
    bend = [(0.75, 0.3), (1.25, 0.5), (1.5, 0.8), (1.75, 0.98)]
    spout = tube([(radius * x, 0, top * z) for x, z in bend], [0.014, 0.011, 0.0075, 0.007], 12, 1.0, (0, 1, 0))
    handle = _handle(radius * 0.85, top * 0.2, top * 0.85, 0.034, 0.0055).turned("z", 180)
    return TableObject("teapot", (Part(join(body, spout, handle), None, 0.7),), (CylinderShape(radius, top),))


def vase(rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject:
    height, steps = proportions.height(rng, 0.12, 0.16), np.linspace(0, 1, 14)
    turns = steps * (3.6 + 0.35 * proportions.profile)
    radii = proportions.width(rng, 0.03, 0.036) * (0.62 + 0.5 * np.sin(turns + 0.1) + 0.18 * steps**6)
    outside = list(zip(radii, steps * height, strict=True))
    inside = list(zip(radii[::-1] - 0.003 * proportions.wall, steps[::-1] * height, strict=True))[:-1]
    body = lathe([(0, 0), *outside, *inside, (0, 0.006)])
    return TableObject("vase", (Part(body, None, 0.8),), (CylinderShape(float(radii.max()), height),))
