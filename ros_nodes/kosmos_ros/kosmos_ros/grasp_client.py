"""`GraspClient`: any arm that serves the Grasp action, behind the `Planner` protocol."""

from __future__ import annotations

import time
from typing import get_args

from kosmos_interfaces.action import Grasp
from rclpy.node import Node

from kosmos_agent.errors import (
    BusyError,
    GoalTimeoutError,
    InvalidArgumentError,
    KosmosAgentError,
    NoArmError,
    PlanningError,
)
from kosmos_agent.results import Target3D
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import MotionOutcome, Phase, PhaseCallback, PlaceGoal
from kosmos_ros.goal_calls import Event, GoalCall, GoalCaller
from kosmos_ros.grasps import grasp_goal, outcome_from_result
from kosmos_ros.picks import PHASES

_POLL_S = 0.02
_PHASE_NAMES: dict[int, Phase] = {PHASES[phase]: phase for phase in get_args(Phase)}


class GraspClient:
    """Implements `kosmos_agent.robot.planner.Planner`; call it on a thread of your own while an executor spins `node`,
    and make it before (see GoalCaller).

    action: a name, to be remapped. frame_id: the arm's own, which targets must be given in. server_timeout_s: how long
    an arm may be missing, before and while it moves. motion_timeout_s: of a whole grasp. All are wall time.

    Besides what `Planner` promises: NoArmError, BusyError (it works on another goal), GoalTimeoutError (it neither
    answers nor stops), RemoteError (another reason that the arm gave for not moving).
    """

    def __init__(
        self,
        node: Node,
        action: str = "grasp",
        *,
        frame_id: str = "base",
        server_timeout_s: float = 5.0,
        motion_timeout_s: float = 120.0,
    ) -> None:
        if min(server_timeout_s, motion_timeout_s) <= 0:
            raise InvalidArgumentError(f"timeouts {server_timeout_s}, {motion_timeout_s} s; valid: above 0")
        self._action, self._frame_id = action, frame_id
        self._server_timeout_s, self._motion_timeout_s = server_timeout_s, motion_timeout_s
        self._caller = GoalCaller(node, Grasp, action)

    @property
    def frame_id(self) -> str:
        return self._frame_id

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        """See `Planner.pick`."""
        if target.frame_id != self._frame_id:
            raise PlanningError(f"the target is in frame {target.frame_id!r}; valid: {self._frame_id!r}")
        cancel = cancel or CancelToken()
        self._wait_for_arm(cancel)
        call = self._caller.send(grasp_goal(target))
        try:
            self._wait_for_yes(call)
            return self._outcome(call, cancel, on_phase)
        except KosmosAgentError:
            # An arm that accepts it after all must not move for a caller who has given up.
            call.drop()
            raise

    def place(
        self, goal: PlaceGoal, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        """PlanningError: the action has no words for it."""
        raise PlanningError("the Grasp action grasps and lifts, it cannot place; drive the arm by another way")

    def close(self) -> None:
        self._caller.close()

    def _wait_for_arm(self, cancel: CancelToken) -> None:
        deadline_s = time.monotonic() + self._server_timeout_s
        while not self._caller.ready():
            cancel.raise_if_cancelled()
            if time.monotonic() > deadline_s:
                raise NoArmError(
                    f"no arm serves {self._action!r} after {self._server_timeout_s:g} s; start one, or remap the action"
                )
            cancel.wait(_POLL_S)
        cancel.raise_if_cancelled()

    def _wait_for_yes(self, call: GoalCall) -> None:
        event = call.next(self._server_timeout_s)
        if event is None:
            raise NoArmError(f"the arm at {self._action!r} did not answer within {self._server_timeout_s:g} s")
        if event.kind == "rejected":
            raise BusyError(f"the arm at {self._action!r} works on another goal; ask again when it has finished")

    def _outcome(self, call: GoalCall, cancel: CancelToken, on_phase: PhaseCallback | None) -> MotionOutcome:
        """Forwards a cancel, once; past the time limit it cancels by itself."""
        deadline_s = time.monotonic() + self._motion_timeout_s
        seen_s, late, stopping = time.monotonic(), False, False
        while True:
            event = call.next(_POLL_S)
            if event is not None and event.kind == "feedback":
                phase = _PHASE_NAMES.get(event.value.phase)
                if on_phase is not None and phase is not None:
                    on_phase(phase)
            elif event is not None:
                return self._ended(event, late=late)
            now_s = time.monotonic()
            late = late or now_s > deadline_s
            if (late or cancel.cancelled) and not stopping:
                stopping = True
                call.drop()
            if now_s > deadline_s + self._server_timeout_s:
                raise GoalTimeoutError(f"the arm neither ended within {self._motion_timeout_s:g} s nor stopped")
            if self._caller.ready():
                seen_s = now_s
            elif now_s > seen_s + self._server_timeout_s:
                raise self._gone()

    def _ended(self, event: Event, *, late: bool) -> MotionOutcome:
        if event.kind == "forgotten":
            raise self._gone()
        outcome = outcome_from_result(event.value)
        if late and outcome.reason == "cancelled":
            message = f"stopped: it had not ended after {self._motion_timeout_s:g} s"
            return outcome.model_copy(update={"reason": "timeout", "message": message})
        return outcome

    def _gone(self) -> NoArmError:
        return NoArmError(f"the arm at {self._action!r} went away while it moved; where it stands is not known")
