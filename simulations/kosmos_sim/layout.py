"""Decides what stands where, so that naming one thing takes thought: look-alikes, clusters, things on things."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.cameras import View
from kosmos_sim.footprints import Circles, Pose, clearance, placed
from kosmos_sim.scene import Slot
from kosmos_sim.selection import Choice

LIFT_M = 0.001
"""Objects float by this much, above a place mat and clear of flicker with the table."""
_ATTEMPTS = 40
_LYING_SHARE = 0.2
_ON_SHARE = 0.5
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Placement:
    """position_m: the body's origin in the table frame. on: index in the list of placements, -1 for the table."""

    choice: Choice
    slot: Slot
    pose: Pose
    position_m: Vector
    yaw_rad: float
    on: int = -1

    @cached_property
    def footprint(self) -> Circles:
        return placed(self.pose.circles, self.position_m[0], self.position_m[1], self.yaw_rad)


@dataclass(frozen=True)
class Region:
    """The part of the table that the camera sees: half sizes along the picture's right and away from the camera.

    blocked: where nothing may stand.
    """

    view: View
    half_right_m: float
    half_away_m: float
    table_half_m: Vector
    blocked: Circles

    @classmethod
    def seen(cls, view: View, table_half_m: Vector, blocked: Circles) -> Region:
        half = view.span_m / 2
        depth = half / max(0.35, float(np.sin(view.elevation_rad)))
        return cls(view, 0.88 * half, 0.8 * depth, table_half_m, blocked)

    def point(self, right: float, away: float) -> Vector:
        """right, away: -1 to 1 of the half sizes. Returns (2,) metres on the table."""
        to_right, to_away = self.view.ground_axes
        middle: Vector = self.view.target_m[:2]
        return middle + right * self.half_right_m * to_right + away * self.half_away_m * to_away

    def holds(self, point: Vector) -> bool:
        return bool(np.all(np.abs(point) < self.table_half_m - 0.03))


def arrange(
    choices: list[Choice], slots: tuple[Slot, ...], region: Region, rng: np.random.Generator
) -> list[Placement]:
    """Places the choices in turn; what finds no room is left out."""
    style = str(rng.choice(["spread", "cluster", "row", "behind"], p=[0.45, 0.27, 0.1, 0.18]))
    centres = [region.point(*rng.uniform(-0.45, 0.45, 2)) for _ in range(int(rng.integers(1, 3)))]
    stacks = rng.random() < _ON_SHARE
    placements: list[Placement] = []
    for number, choice in enumerate(choices):
        slot = slots[choice.slot]
        found = _on_another(choice, slot, placements, rng) if stacks else None
        if found is None:
            found = _on_table(choice, slot, placements, region, _Style(style, centres, number / len(choices)), rng)
        if found is not None:
            placements.append(found)
    return placements


@dataclass(frozen=True)
class _Style:
    name: str
    centres: list[Vector]
    progress: float

    def propose(self, region: Region, placements: list[Placement], reach_m: float, rng: np.random.Generator) -> Vector:
        if self.name == "cluster":
            centre = self.centres[int(rng.integers(len(self.centres)))]
            return centre + rng.normal(0, 0.28 * region.half_right_m, 2)
        if self.name == "row":
            return region.point(rng.uniform(-0.9, 0.9), rng.normal(0, 0.12))
        if self.name == "behind" and placements and self.progress > 0.3:
            return _beside_line_of_sight(region, placements, reach_m, rng)
        return region.point(*rng.uniform(-1, 1, 2))


def _beside_line_of_sight(
    region: Region, placements: list[Placement], reach_m: float, rng: np.random.Generator
) -> Vector:
    """Just in front of or behind another object as the camera sees it."""
    other = placements[int(rng.integers(len(placements)))]
    to_right, to_away = region.view.ground_axes
    reach = reach_m + other.pose.reach_m
    away = rng.choice([-1.0, 1.0]) * reach * rng.uniform(0.85, 1.35)
    point: Vector = other.position_m[:2] + to_away * away + to_right * rng.uniform(-0.6, 0.6) * reach
    return point


def _on_table(
    choice: Choice,
    slot: Slot,
    placements: list[Placement],
    region: Region,
    style: _Style,
    rng: np.random.Generator,
) -> Placement | None:
    pose = slot.lying if slot.lying is not None and rng.random() < _LYING_SHARE else slot.standing
    occupied = np.vstack([region.blocked, *(other.footprint for other in placements if other.on < 0)])
    gap_m = 0.012 if style.name in ("spread", "row") else 0.003
    for _ in range(_ATTEMPTS):
        middle = style.propose(region, placements, pose.reach_m, rng)
        if not region.holds(middle):
            continue
        yaw = rng.uniform(-np.pi, np.pi)
        candidate = Placement(choice, slot, pose, _origin(pose, middle, yaw, 0.0), yaw)
        if clearance(candidate.footprint, occupied) > gap_m:
            return candidate
    return None


def _on_another(choice: Choice, slot: Slot, placements: list[Placement], rng: np.random.Generator) -> Placement | None:
    """On a plate, book, box or block, or in a bowl, where it fits and the place is free."""
    taken = {placement.on for placement in placements}
    reach = slot.standing.reach_m
    options = [
        index
        for index, placement in enumerate(placements)
        if index not in taken and placement.pose is placement.slot.standing and _fits(slot, placement.slot)
    ]
    if not options or rng.random() < 0.35:
        return None
    index = int(rng.choice(options))
    below = placements[index]
    support = below.slot.obj.support
    if support is None:
        return None
    room = max(0.0, support.radius_m - reach) * 0.8
    offset = rng.uniform(-room, room, 2) / np.sqrt(2)
    yaw = rng.uniform(-np.pi, np.pi)
    height = below.position_m[2] + support.height_m
    origin = _origin(slot.standing, below.position_m[:2] + offset, yaw, height)
    return Placement(choice, slot, slot.standing, origin, yaw, index)


def _fits(slot: Slot, below: Slot) -> bool:
    support = below.obj.support
    if support is None or slot is below:
        return False
    slack = 0.95 if support.inside else 1.1
    return slot.standing.reach_m <= support.radius_m * slack


def _origin(pose: Pose, middle: Vector, yaw_rad: float, height_m: float) -> Vector:
    """Where the body's origin must be for the pose's middle to be above `middle` and its lowest point at `height_m`.

    Standing objects keep their own axis there instead: a mug's handle does not shift it.
    """
    shift = pose.centre_m[:2] if pose.lying_deg else np.zeros(2)
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    turned = np.array([cosine * shift[0] - sine * shift[1], sine * shift[0] + cosine * shift[1]])
    return np.array([*(middle - turned), height_m - pose.low_m[2] + (LIFT_M if height_m == 0.0 else 0.0)])
