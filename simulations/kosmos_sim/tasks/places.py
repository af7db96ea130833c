"""Where one thing truly is beside another, and where there is room for it: geometry of the judge, on truth alone.

Sides are as the front camera sees them: along the ground from the camera's foot to the anchor is "behind".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.skills.room import PlaceRelation, Side
from kosmos_sim.footprints import Circles, clearance, placed, resting_pose
from kosmos_sim.judge import ItemTruth
from kosmos_sim.setting import TABLE_AREA_M, TARGET_AREA_M
from kosmos_sim.world import Tabletop

Array = NDArray[np.float64]
BESIDE_M = 0.20
"""Free space between two things up to which one is still beside the other."""
NEXT_TO_M = 0.10
_CONE = math.cos(math.radians(60))
_STANDS_M = 0.03
_DIRECTIONS: dict[Side, tuple[float, float]] = {
    "behind": (1.0, 0.0), "in front of": (-1.0, 0.0), "left of": (0.0, 1.0), "right of": (0.0, -1.0),
}  # fmt: skip
"""Ahead of the camera, and to its left."""


def eye_m(world: Tabletop) -> Array:
    """(2,) foot of the front camera."""
    foot: Array = world.observe("front", 64, 48, depth_noise=False).T_base_camera[:2, 3]
    return foot


def holds(relation: PlaceRelation, subject: ItemTruth, anchor: ItemTruth, eye: Array) -> bool:
    """Whether the subject rests there now."""
    if relation == "on":
        return _is_over(subject, anchor) and abs(subject.low_m[2] - anchor.high_m[2]) <= _STANDS_M
    if relation == "in":
        inside = anchor.low_m[2] - 1e-3 <= subject.low_m[2] <= anchor.high_m[2] - 0.004
        return _is_over(subject, anchor) and bool(inside)
    if subject.low_m[2] > _STANDS_M:
        return False
    free = gap_m(subject, anchor)
    if relation == "next to":
        return free <= NEXT_TO_M
    return free <= BESIDE_M and _is_towards(relation, subject.middle_m[:2] - anchor.middle_m[:2], anchor, eye)


def gap_m(first: ItemTruth, second: ItemTruth) -> float:
    """Between two things seen from above, each as the ellipse that its rectangle holds."""
    apart = second.middle_m[:2] - first.middle_m[:2]
    distance = float(np.hypot(*apart))
    angle = math.atan2(apart[1], apart[0])
    return distance - _reach_m(first, angle) - _reach_m(second, angle)


def towards(side: Side, anchor_m: Array, eye: Array) -> Array:
    """(2,) unit vector of a side in the base frame."""
    ahead = (anchor_m[:2] - eye) / np.hypot(*(anchor_m[:2] - eye))
    forward, left = _DIRECTIONS[side]
    direction: Array = forward * ahead + left * np.array([-ahead[1], ahead[0]])
    return direction


def room_on_side(world: Tabletop, subject: str, anchor: str, side: Side, eye: Array) -> bool:
    """Whether the subject would truly fit there, between 3 and 6 cm away, within reach of the arm."""
    thing, other = world.judge.truth(subject), world.judge.truth(anchor)
    radius = max(thing.extent_m) / 2
    direction = towards(side, other.middle_m, eye)
    spots = (other.middle_m[:2] + direction * (max(other.extent_m) / 2 + radius + free) for free in (0.03, 0.06))
    disc = np.array([[0.0, 0.0, radius]])
    blocked = footprints(world, {subject})
    return all(
        _is_free(placed(disc, float(spot[0]), float(spot[1]), 0.0), blocked, 0.01) and is_within(spot, TABLE_AREA_M)
        for spot in spots
    )


def free_spots(world: Tabletop, name: str, rng: np.random.Generator, near_m: float, tries: int = 60) -> Iterator[Array]:
    """(2,) places in the arm's reach where a thing could stand as it is turned, at least `near_m` from where it is."""
    (x_low, x_high), (y_low, y_high) = TARGET_AREA_M
    own = footprints_of(world, name)
    middle = world.judge.truth(name).middle_m[:2]
    blocked = footprints(world, {name})
    for _ in range(tries):
        spot = np.array([rng.uniform(x_low, x_high), rng.uniform(y_low, y_high)])
        moved = own + np.array([*(spot - middle), 0.0])
        if np.hypot(*(spot - middle)) >= near_m and _is_free(moved, blocked, 0.032):
            yield spot


def footprints(world: Tabletop, without: set[str]) -> list[Circles]:
    return [footprints_of(world, item.name) for item in world.items if item.name not in without]


def footprints_of(world: Tabletop, name: str) -> Circles:
    """Where the thing stands now, upright as it was put down."""
    item = next(item for item in world.items if item.name == name)
    body = world.data.body(name)
    yaw = math.atan2(body.xmat[3], body.xmat[0])
    circles = resting_pose(item.placing.choice.obj.vertices, 0.0).circles
    return placed(circles, float(body.xpos[0]), float(body.xpos[1]), yaw)


def is_within(spot: Array, area_m: tuple[tuple[float, float], tuple[float, float]]) -> bool:
    return all(low <= value <= high for value, (low, high) in zip(spot, area_m, strict=True))


def _is_free(circles: Circles, blocked: Sequence[Circles], gap: float) -> bool:
    return all(clearance(circles, other) > gap for other in blocked)


def _is_over(subject: ItemTruth, anchor: ItemTruth) -> bool:
    """The middle of the one lies within the rectangle around the other."""
    offset = subject.middle_m[:2] - anchor.middle_m[:2]
    cos, sin = math.cos(anchor.yaw_rad), math.sin(anchor.yaw_rad)
    along, across = cos * offset[0] + sin * offset[1], cos * offset[1] - sin * offset[0]
    return abs(along) <= anchor.extent_m[0] / 2 and abs(across) <= anchor.extent_m[1] / 2


def _is_towards(side: Side, offset: Array, anchor: ItemTruth, eye: Array) -> bool:
    length = float(np.hypot(*offset))
    return length > 0 and float(offset @ towards(side, anchor.middle_m, eye)) >= _CONE * length


def _reach_m(thing: ItemTruth, angle: float) -> float:
    turned = angle - thing.yaw_rad
    a, b = thing.extent_m[0] / 2, thing.extent_m[1] / 2
    return a * b / math.hypot(b * math.cos(turned), a * math.sin(turned))
