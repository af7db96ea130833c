"""Where to put a thing down: on or in another, or beside it where there is room."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import PlanningError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.frames import apply, inverse
from kosmos_agent.robot.occupancy import Cylinder, is_free, occupancy
from kosmos_agent.robot.planner import PlaceGoal
from kosmos_agent.skills.camera import DepthShot

Side = Literal["left of", "right of", "in front of", "behind", "next to"]
PlaceRelation = Literal["on", "in", "left of", "right of", "in front of", "behind", "next to"]
SIDES = get_args(Side)

_TURNS_RAD: dict[Side, float] = {
    "behind": 0.0, "left of": math.pi / 2, "in front of": math.pi, "right of": -math.pi / 2,
}  # fmt: skip
"""From the direction of view, counter-clockwise seen from above."""
_SPREAD_RAD = (0.0, 0.3, -0.3, 0.6, -0.6)
_FURTHER = (1.0, 1.5, 2.2)
_HAND_M = 0.02
"""Around what is put down: the fingers that let go of it need room as well."""


def place_goal(
    held: Target3D, anchor: Target3D, relation: PlaceRelation, depth: DepthShot, beside_m: float
) -> PlaceGoal:
    """Sides are as the camera sees them. PlanningError where no free place is seen on the side asked for."""
    if relation == "on" or relation == "in":  # narrows the type for _offsets
        return PlaceGoal.on(anchor)
    for offset_m in _offsets(held, anchor, relation, depth, beside_m):
        goal = PlaceGoal.beside(anchor, offset_m)
        if _is_room(goal, held, depth):
            return goal
    raise PlanningError(f"no free room {relation} {anchor.phrase!r} is seen; clear some, or name another place")


def place_volume(goal: PlaceGoal, held: Target3D, anchor: Target3D) -> Cylinder:
    """What the thing will fill there. Let go over a bowl it sinks in, so the volume begins low."""
    x, y, z = goal.position_m
    on_top = z > anchor.support_height_m + 1e-6
    bottom_m = anchor.support_height_m + 0.3 * (z - anchor.support_height_m) if on_top else z + 0.15 * held.size_m[2]
    return Cylinder((x, y), _radius_m(held), bottom_m, max(z + 0.9 * held.size_m[2], bottom_m + 0.01))


def thing_volume(target: Target3D) -> Cylinder:
    """The inner part of a thing that stands where it was seen."""
    x, y, _ = target.position_m
    height_m = max(target.size_m[2], 0.01)
    low_m = target.support_height_m + 0.25 * height_m
    return Cylinder((x, y), _radius_m(target), low_m, target.support_height_m + 0.95 * height_m)


def _radius_m(target: Target3D) -> float:
    return max(0.4 * target.extent_m[1], 0.006)


def _offsets(
    held: Target3D, anchor: Target3D, side: Side, depth: DepthShot, beside_m: float
) -> Iterator[tuple[float, float]]:
    """Nearest first, then turned a little to either side."""
    ahead = _view_direction(anchor, depth.T_base_camera)
    sides = tuple(_TURNS_RAD) if side == "next to" else (side,)
    touching_m = (max(held.extent_m) + max(anchor.extent_m)) / 2
    for factor in _FURTHER:
        for spread in _SPREAD_RAD:
            for name in sides:
                angle = ahead + _TURNS_RAD[name] + spread
                reach_m = touching_m + factor * beside_m
                yield reach_m * math.cos(angle), reach_m * math.sin(angle)


def _view_direction(anchor: Target3D, T_base_camera: NDArray[np.floating]) -> float:
    """Along the ground from the camera to the anchor; from straight above, up in the picture."""
    away = np.subtract(anchor.position_m[:2], T_base_camera[:2, 3])
    if np.hypot(*away) < 0.05:
        away = -np.asarray(T_base_camera[:2, 1])
    return math.atan2(float(away[1]), float(away[0]))


def _is_room(goal: PlaceGoal, held: Target3D, depth: DepthShot) -> bool:
    """Free, in view, and with something below to stand on."""
    x, y, z = goal.position_m
    radius_m = max(held.extent_m) / 2
    above = Cylinder((x, y), radius_m + _HAND_M, z + 0.015, z + 0.015 + max(held.size_m[2], 0.02))
    if not is_free(occupancy(above, depth.depth_m, depth.camera, depth.T_base_camera)):
        return False
    return _is_ground(x, y, z, radius_m, depth)


def _is_ground(x: float, y: float, z: float, radius_m: float, depth: DepthShot) -> bool:
    """Most rays to the place end at its height: a table, not the air beside it."""
    angles = np.arange(8) * np.pi / 4
    ring = np.column_stack([x + radius_m * np.cos(angles), y + radius_m * np.sin(angles), np.full(8, z)])
    points = apply(inverse(np.asarray(depth.T_base_camera, dtype=np.float64)), ring)
    if not (points[:, 2] > 0.05).all():
        return False
    columns, rows = np.floor(depth.camera.project(points)).astype(int).T
    inside = (columns >= 0) & (columns < depth.camera.width) & (rows >= 0) & (rows < depth.camera.height)
    if not inside.all():
        return False
    measured_m = depth.depth_m[rows, columns]
    return bool((np.abs(measured_m - points[:, 2]) < 0.03).sum() >= 5)
