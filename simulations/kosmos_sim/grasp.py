"""Where and how to close a parallel gripper on a target, palm down. Uses only what a `Target3D` carries.

Grasp yaw is the direction of the fingers' width; they close across it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import PlanningError
from kosmos_agent.results import Target3D
from kosmos_sim.arm import MAX_OPENING_M, PALM_CLEARANCE_M, TIP_LENGTH_M
from kosmos_sim.lexicon import CATEGORIES

GRASPABLE = (
    "cup", "mug", "bowl", "bottle", "can", "jar", "vase", "box", "block", "cone", "cylinder", "star", "ball", "apple",
    "pear", "banana", "carrot", "donut", "spoon", "fork", "screwdriver", "marker", "hammer", "candle",
)  # fmt: skip
"""Categories that the arm can lift; plate, book, pot and teapot are too wide or too flat."""

WIDEST_M = 0.074
"""Widest thing that the open gripper passes over with a few millimetres to spare."""
_SQUEEZE_M = 0.004
"""Measured widths are a little too large; this much over is still tried."""
_PALM_GAP_M = 0.004
_TIP_GAP_M = 0.002
_LONG = 1.3
"""Ratio of the extents above which a thing counts as long and is held across."""
_SHIFTED = 3.0
"""Ratio of the extents above which it may also be held off its middle."""
_YAWS = 12


@dataclass(frozen=True)
class Habit:
    """How a kind of thing is best held.

    height: grip height as a share of the thing's own. width: its width there as a share of its short extent.
    square: only across or along its axes. across: only across the longer one. rim: by the wall, which is
    `wall` radii thick, or as thick as the thing is high. slack_m: how much wider the gripper opens on each side.
    """

    height: float = 0.5
    width: float = 1.0
    square: bool = False
    across: bool = False
    rim: bool = False
    wall: float | None = None
    slack_m: float = 0.012


DEFAULT_HABIT = Habit()
HABITS: dict[str, Habit] = {
    "cup": Habit(0.62),
    "mug": Habit(0.6),
    "can": Habit(0.6),
    "cylinder": Habit(0.55),
    "jar": Habit(0.5),
    "bottle": Habit(0.88, 0.6),
    "vase": Habit(0.75),
    "cone": Habit(0.3, 0.9),
    "candle": Habit(0.6, 0.6),
    "box": Habit(0.55, square=True),
    "block": Habit(0.5, square=True),
    "star": Habit(across=True),
    "hammer": Habit(width=0.4, across=True),
    "bowl": Habit(0.75, rim=True, wall=0.15),
    "donut": Habit(0.5, rim=True, slack_m=0.007),
}


@dataclass(frozen=True)
class Grasp:
    """position_m: the point between the pads. opening_m: between the pads before they close."""

    position_m: NDArray[np.float64]
    yaw_rad: float
    opening_m: float


def category_word(phrase: str) -> str | None:
    """The first category named in a phrase, graspable or not: the head noun comes before any anchor."""
    return next((word for word in re.findall(r"[a-z]+", phrase.lower()) if word in CATEGORIES), None)


def grasps(target: Target3D) -> list[Grasp]:
    """Ways to take the target, best first. PlanningError when its kind cannot be held or it is too wide to be."""
    word = category_word(target.phrase)
    if word is not None and word not in GRASPABLE:
        raise PlanningError(f"{target.phrase!r}: a {word} cannot be grasped; valid: {', '.join(GRASPABLE)}")
    habit = DEFAULT_HABIT if word is None else HABITS.get(word, DEFAULT_HABIT)
    if habit.rim:
        return _rim_grasps(target, habit)
    short_m = target.extent_m[1]
    if short_m * habit.width > WIDEST_M + _SQUEEZE_M:
        raise PlanningError(
            f"{target.phrase!r} is {short_m * 1000:.0f} mm across; the gripper takes up to {WIDEST_M * 1000:.0f} mm"
        )
    return [
        Grasp(position, yaw, min(MAX_OPENING_M, width_m * habit.width + 2 * habit.slack_m))
        for position in _positions(target, habit)
        for yaw, width_m in _yaws(target, habit)
        if width_m * habit.width <= WIDEST_M + _SQUEEZE_M
    ]


def _positions(target: Target3D, habit: Habit) -> list[NDArray[np.float64]]:
    """The middle; of long things also a little to either side, where neighbours may leave more room."""
    middle = np.array([target.position_m[0], target.position_m[1], _grip_height(target, habit)])
    long_m, short_m = target.extent_m
    if long_m < _SHIFTED * short_m:
        return [middle]
    along = np.array([math.cos(target.yaw_rad), math.sin(target.yaw_rad), 0.0])
    return [middle + share * long_m * along for share in (0.0, 0.1, -0.1, 0.2, -0.2)]


def _grip_height(target: Target3D, habit: Habit) -> float:
    """Height of the grip point: low enough for the palm to clear the top, high enough for the finger tips."""
    height_m = max(target.size_m[2], 0.004)
    wanted = target.support_height_m + habit.height * height_m
    lowest = target.support_height_m + TIP_LENGTH_M + _TIP_GAP_M
    top = target.support_height_m + height_m
    return max(lowest, wanted, top - PALM_CLEARANCE_M + _PALM_GAP_M)


def _yaws(target: Target3D, habit: Habit) -> list[tuple[float, float]]:
    """Yaw and the width across it. Long things only across; square things along either side; round things any."""
    long_m, short_m = target.extent_m
    across, along = (target.yaw_rad, short_m), (target.yaw_rad + math.pi / 2, long_m)
    if habit.across or long_m > min(_LONG * short_m, WIDEST_M + _SQUEEZE_M):
        return [across]
    if habit.square:
        return [across, along]
    return [(target.yaw_rad + index * math.pi / _YAWS, long_m) for index in range(_YAWS)]


def _rim_grasps(target: Target3D, habit: Habit) -> list[Grasp]:
    """By the wall of a round open thing: one finger inside, one outside, at points all around."""
    radius_m = sum(target.extent_m) / 4
    wall_m = target.size_m[2] if habit.wall is None else habit.wall * radius_m
    middle_m = radius_m - wall_m / 2
    z = _grip_height(target, habit)
    found = []
    for index in range(2 * _YAWS):
        angle = index * math.pi / _YAWS
        x = target.position_m[0] + middle_m * math.cos(angle)
        y = target.position_m[1] + middle_m * math.sin(angle)
        opening_m = min(MAX_OPENING_M, wall_m + 2 * habit.slack_m)
        found.append(Grasp(np.array([x, y, z]), angle + math.pi / 2, opening_m))
    return found
