"""`SimArmPlanner`: the simulated arm behind the `Planner` protocol, palm down, phase by phase.

It knows the target it is given and, for room between the neighbours, points that its own depth camera saw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import PlanningError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import MotionOutcome, MotionReason, Phase, PhaseCallback, PlaceGoal
from kosmos_sim.arm import HOME_Q, MAX_OPENING_M
from kosmos_sim.clearance import least_blocked
from kosmos_sim.grasp import Grasp, grasps
from kosmos_sim.ik import ArmKinematics
from kosmos_sim.motion import ArmDriver, MotionStoppedError
from kosmos_sim.paths import LIFT_M, TRANSIT_M, Path, PathPlanner, Visit

Array = NDArray[np.float64]
PointSource = Callable[[], Array]
"""Gives (N, 3) points of what stands on the table, base frame, metres."""

BASE_FRAME = "base"
_HELD_OPENING_M = 0.0015
"""Pads closer than this hold nothing."""
_ARRIVED_M = 0.012
_CARRY_GAP_M = 0.23
"""Height of the underside of what is carried: above the tallest bottle."""
_SETTLE_S = 0.12


@dataclass(frozen=True)
class _Held:
    """How the thing hangs: grip point over the middle of its underside, and the yaw it was grasped at."""

    offset_m: Array
    yaw_rad: float


class SimArmPlanner:
    """Implements `kosmos_agent.robot.planner.Planner`. Its clock is simulated time.

    obstacles: asked once at the start of each pick, before the arm moves.
    """

    def __init__(self, driver: ArmDriver, obstacles: PointSource | None = None) -> None:
        self._driver = driver
        self._paths = PathPlanner(ArmKinematics(driver.model))
        self._obstacles = obstacles
        self._held: _Held | None = None
        self._phase: Phase = "approach"
        self._on_phase: PhaseCallback | None = None

    @property
    def frame_id(self) -> str:
        return BASE_FRAME

    @property
    def holding(self) -> bool:
        """Whether what was picked still keeps the pads apart."""
        return self._held is not None and self._driver.opening_m > _HELD_OPENING_M

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        """See `Planner.pick`."""
        self._check_frame(target.frame_id)
        candidates = grasps(target)
        if self._obstacles is not None:
            candidates = least_blocked(candidates, target, self._obstacles())
        underside = np.array([*target.position_m[:2], target.support_height_m])
        return self.grasp(candidates, underside, on_phase=on_phase, cancel=cancel)

    def grasp(
        self,
        candidates: Sequence[Grasp],
        underside_m: Array | None = None,
        *,
        on_phase: PhaseCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> MotionOutcome:
        """Carries out the first grasp within reach. underside_m: middle of the thing's underside, for `place`."""
        grasp, visit = self._first_reachable(candidates)
        point = grasp.position_m
        offset = point - (np.array([point[0], point[1], 0.0]) if underside_m is None else underside_m)
        return self._run(lambda: self._pick(grasp, visit, offset), on_phase, cancel)

    def place(
        self, goal: PlaceGoal, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        """See `Planner.place`."""
        self._check_frame(goal.frame_id)
        if self._held is None or not self.holding:
            raise PlanningError("nothing is held; call pick first")
        visit = self._place_visit(goal, self._held)
        return self._run(lambda: self._place(visit), on_phase, cancel)

    def go_home(self, cancel: CancelToken | None = None) -> MotionOutcome:
        """Out of the cameras' way; keeps hold of what is held. PlanningError where the arm cannot rise."""
        home = self._paths.timed(self._risen_q(), [HOME_Q])
        return self._run(lambda: self._retreat(home), None, cancel)

    def let_go(self, cancel: CancelToken | None = None) -> MotionOutcome:
        """Opens the gripper where it is, rises, and goes home. PlanningError, nothing opened, where it cannot rise."""
        home = self._paths.timed(self._risen_q(), [HOME_Q])
        return self._run(lambda: self._release(home), None, cancel)

    def _check_frame(self, frame_id: str) -> None:
        if frame_id != BASE_FRAME:
            raise PlanningError(f"the goal is in frame {frame_id!r}; valid: {BASE_FRAME!r}")

    def _first_reachable(self, candidates: Sequence[Grasp]) -> tuple[Grasp, Visit]:
        start = self._risen_q()
        failure: PlanningError | None = None
        for grasp in candidates:
            try:
                return grasp, self._paths.visit(start, grasp.position_m, grasp.yaw_rad, TRANSIT_M, LIFT_M)
            except PlanningError as error:
                failure = failure or error
        raise failure or PlanningError("no way to grasp the target was given")

    def _risen_q(self) -> Array:
        rise = self._paths.rise(self._driver.q_goal, TRANSIT_M)
        return self._driver.q_goal if rise is None else rise.end_q

    def _place_visit(self, goal: PlaceGoal, held: _Held) -> Visit:
        """Tries the yaw it was grasped at first, then all others, unless the goal names one."""
        turns = [goal.yaw_rad] if goal.yaw_rad is not None else [0.0, *np.linspace(0.25, math.pi, 12, endpoint=False)]
        failure: PlanningError | None = None
        for turn in turns:
            cos, sin = math.cos(turn), math.sin(turn)
            x, y, z = held.offset_m
            point = np.asarray(goal.position_m) + np.array([cos * x - sin * y, sin * x + cos * y, z])
            try:
                return self._paths.visit(
                    self._risen_q(), point, held.yaw_rad + turn, max(TRANSIT_M, z + _CARRY_GAP_M), 0.12
                )
            except PlanningError as error:
                failure = failure or error
        raise failure or PlanningError("no yaw to place at")

    def _run(
        self, motion: Callable[[], MotionReason], on_phase: PhaseCallback | None, cancel: CancelToken | None
    ) -> MotionOutcome:
        """Turns an early stop into an outcome; CancelledError while nothing has moved yet."""
        if cancel is not None:
            cancel.raise_if_cancelled()
        self._driver.cancel, self._on_phase = cancel, on_phase
        start_s = self._driver.time_s
        try:
            reason = motion()
            message = _MESSAGES[reason]
        except MotionStoppedError as stop:
            reason, message = stop.reason, str(stop)
        finally:
            self._driver.cancel, self._on_phase = None, None
        return MotionOutcome(
            succeeded=reason == "done",
            phase=self._phase,
            reason=reason,
            message=message,
            duration_s=self._driver.time_s - start_s,
        )

    def _pick(self, grasp: Grasp, visit: Visit, offset_m: Array) -> MotionReason:
        self._begin("approach")
        self._held = None
        self._driver.open(MAX_OPENING_M)
        self._rise(TRANSIT_M)
        self._follow(visit.above)
        self._begin("descend")
        self._driver.open(grasp.opening_m)
        self._follow(visit.down)
        self._driver.hold(_SETTLE_S)
        self._check_arrived(visit.point_m)
        self._begin("grasp")
        self._driver.close()
        if self._driver.opening_m <= _HELD_OPENING_M:
            self._driver.open(MAX_OPENING_M)
            self._follow(visit.up)
            self._make_way()
            return "nothing_held"
        self._held = _Held(offset_m, grasp.yaw_rad)
        self._begin("lift")
        self._follow(visit.up)
        self._driver.hold(2 * _SETTLE_S)
        if self.holding:
            return "done"
        self._make_way()
        return "slipped"

    def _make_way(self) -> None:
        """An empty hand leaves the cameras' view where it can, so that the next look shows what it missed."""
        try:
            home = self._paths.timed(self._risen_q(), [HOME_Q])
        except PlanningError:
            return  # it hangs above the things already
        self._rise(TRANSIT_M)
        self._follow(home)

    def _place(self, visit: Visit) -> MotionReason:
        self._begin("transfer")
        self._rise(TRANSIT_M)
        self._follow(visit.above)
        if not self.holding:
            return "slipped"
        self._begin("lower")
        self._follow(visit.down)
        self._driver.hold(_SETTLE_S)
        self._begin("release")
        self._driver.open(self._driver.opening_m + 0.024)
        self._held = None
        self._begin("retreat")
        self._follow(visit.up)
        return "done"

    def _release(self, home: Path) -> MotionReason:
        self._begin("release")
        self._driver.open()
        self._held = None
        return self._retreat(home)

    def _retreat(self, home: Path) -> MotionReason:
        self._begin("retreat")
        self._rise(TRANSIT_M)
        self._follow(home)
        return "done"

    def _begin(self, phase: Phase) -> None:
        self._phase = phase
        if self._on_phase is not None:
            self._on_phase(phase)

    def _rise(self, height_m: float) -> None:
        path = self._paths.rise(self._driver.q_goal, height_m)
        if path is not None:
            self._follow(path)

    def _follow(self, path: Path) -> None:
        self._driver.follow(path.waypoints, path.seconds)

    def _check_arrived(self, point_m: Array) -> None:
        off_m = float(np.linalg.norm(self._driver.grip_position_m - point_m))
        if off_m > _ARRIVED_M:
            self._driver.freeze()
            raise MotionStoppedError("blocked", f"the hand stands {off_m * 1000:.0f} mm from where it should be")


_MESSAGES: dict[MotionReason, str] = {
    "done": "done",
    "nothing_held": "the fingers closed on nothing",
    "slipped": "it was held, then lost",
}
