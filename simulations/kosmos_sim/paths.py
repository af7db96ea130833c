"""Joint paths worked out before anything moves: to a grasp, down, up, and over to a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import PlanningError
from kosmos_sim.arm import READY_Q
from kosmos_sim.ik import ArmKinematics, top_down

Array = NDArray[np.float64]

TRANSIT_M = 0.34
"""Height of the grip point at which nothing on the table is in the way."""
LIFT_M = 0.2
_RETREATS_M = (0.0, 0.06, 0.12, 0.18)
"""Towards the base on the way up."""
_WAYPOINT_M = 0.02
_SPEED_M_S = 0.5
_JOINT_SPEED_RAD_S = 1.5
_PEAK = 1.875
"""Peak over mean speed of a minimum-jerk move."""
_SHORTEST_S = 0.2


@dataclass(frozen=True)
class Path:
    """Joint waypoints, (7,) each, and how long they take."""

    waypoints: tuple[Array, ...]
    seconds: float

    @property
    def end_q(self) -> Array:
        return self.waypoints[-1]


@dataclass(frozen=True)
class Visit:
    """Over a point, straight down to it, straight up again. `point_m`: where the grip point is at the bottom."""

    point_m: Array
    yaw_rad: float
    above: Path
    down: Path
    up: Path


class PathPlanner:
    """Palm-down paths of one arm."""

    def __init__(self, kinematics: ArmKinematics) -> None:
        self._kinematics = kinematics

    def visit(self, start_q: Array, point_m: Array, yaw_rad: float, over_m: float, up_m: float) -> Visit:
        """PlanningError unless all of it can be reached. over_m: height to come from; up_m: how far to rise after."""
        rotation = top_down(_nearest_turn(yaw_rad, point_m))
        over = np.array([point_m[0], point_m[1], max(over_m, point_m[2] + 0.05)])
        q_over = self._solve(over, rotation, READY_Q)
        above = self.timed(start_q, [q_over])
        down = self.straight(q_over, point_m, rotation)
        up = self.straight(down.end_q, point_m + np.array([0.0, 0.0, up_m]), rotation)
        return Visit(point_m, yaw_rad, above, down, up)

    def straight(self, start_q: Array, goal_m: Array, rotation: Array) -> Path:
        """A straight line of the grip point, without turning once it has `rotation`."""
        start_m, _ = self._kinematics.forward(start_q)
        count = max(2, math.ceil(float(np.linalg.norm(goal_m - start_m)) / _WAYPOINT_M))
        q, waypoints = start_q, []
        for index in range(count):
            q = self._solve(start_m + (goal_m - start_m) * (index + 1) / count, rotation, q)
            waypoints.append(q)
        return self.timed(start_q, waypoints)

    def rise(self, start_q: Array, height_m: float) -> Path | None:
        """Straight up from where the arm is, or up and back where it stands too far out; None if it is high enough.

        PlanningError where it cannot rise either way.
        """
        start_m, rotation = self._kinematics.forward(start_q)
        if start_m[2] >= height_m - 0.02:
            return None
        outwards = start_m[:2] / max(float(np.hypot(*start_m[:2])), 1e-9)
        failure: PlanningError | None = None
        for back_m in _RETREATS_M:
            try:
                return self.straight(start_q, np.array([*(start_m[:2] - back_m * outwards), height_m]), rotation)
            except PlanningError as error:
                failure = failure or error
        raise PlanningError(f"the arm cannot rise to {height_m:.2f} m from where it is: {failure}")

    def timed(self, start_q: Array, waypoints: Sequence[Array]) -> Path:
        """As fast as the speed limits of joints and grip point allow."""
        points = [start_q, *waypoints]
        places = [self._kinematics.forward(q)[0] for q in points]
        travel = sum(float(np.linalg.norm(b - a)) for a, b in pairwise(places))
        turn = sum(float(np.abs(b - a).max()) for a, b in pairwise(points))
        seconds = _PEAK * max(travel / _SPEED_M_S, turn / _JOINT_SPEED_RAD_S)
        return Path(tuple(waypoints), max(_SHORTEST_S, seconds))

    def _solve(self, position_m: Array, rotation: Array, q_start: Array) -> Array:
        result = self._kinematics.solve(position_m, rotation, q_start)
        if not result.within():
            x, y, z = position_m
            raise PlanningError(
                f"({x:.3f}, {y:.3f}, {z:.3f}) m in the base frame is out of reach, palm down; "
                "valid: about 0.3 to 0.7 m from the base, up to 0.4 m high"
            )
        return result.q


def _nearest_turn(yaw_rad: float, point_m: Array) -> float:
    """The hand looks the same after half a turn: the one of the two that turns the wrist less."""
    outwards = math.atan2(point_m[1], point_m[0])
    return outwards + math.pi / 2 - (math.pi / 2 + outwards - yaw_rad) % math.pi
