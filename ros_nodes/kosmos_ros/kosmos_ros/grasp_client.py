"""`GraspClient`: any arm that serves the Grasp action, behind the `Planner` protocol."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, get_args

from kosmos_interfaces.action import Grasp
from rclpy.action import ActionClient
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.task import Future

from kosmos_agent.errors import InvalidArgumentError, PlanningError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import MotionOutcome, Phase, PhaseCallback, PlaceGoal
from kosmos_ros.errors import BusyError, GoalTimeoutError, NoArmError
from kosmos_ros.grasps import grasp_goal, outcome_from_result
from kosmos_ros.picks import PHASES

_POLL_S = 0.02
_PHASE_NAMES: dict[int, Phase] = {PHASES[phase]: phase for phase in get_args(Phase)}


class GraspClient:
    """Implements `kosmos_agent.robot.planner.Planner`; call it on a thread of your own while an executor spins `node`.

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
        # Of its own, so that phases come in order and no other callback holds them up.
        self._client = ActionClient(node, Grasp, action, callback_group=MutuallyExclusiveCallbackGroup())

    @property
    def frame_id(self) -> str:
        return self._frame_id

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        """See `Planner.pick`. on_phase is called on the executor's thread."""
        if target.frame_id != self._frame_id:
            raise PlanningError(f"the target is in frame {target.frame_id!r}; valid: {self._frame_id!r}")
        cancel = cancel or CancelToken()
        self._wait_for_arm(cancel)
        handle = self._sent(target, on_phase)
        if not handle.accepted:
            raise BusyError(f"the arm at {self._action!r} works on another goal; ask again when it has finished")
        return self._outcome(handle, cancel)

    def place(
        self, goal: PlaceGoal, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        """PlanningError: the action has no words for it."""
        raise PlanningError("the Grasp action grasps and lifts, it cannot place; drive the arm by another way")

    def close(self) -> None:
        self._client.destroy()

    def _wait_for_arm(self, cancel: CancelToken) -> None:
        deadline_s = time.monotonic() + self._server_timeout_s
        while not self._client.server_is_ready():
            cancel.raise_if_cancelled()
            if time.monotonic() > deadline_s:
                raise NoArmError(
                    f"no arm serves {self._action!r} after {self._server_timeout_s:g} s; start one, or remap the action"
                )
            cancel.wait(_POLL_S)
        cancel.raise_if_cancelled()

    def _sent(self, target: Target3D, on_phase: PhaseCallback | None) -> Any:
        def heard(message: Any) -> None:
            phase = _PHASE_NAMES.get(message.feedback.phase)
            if on_phase is not None and phase is not None:
                on_phase(phase)

        sent = self._client.send_goal_async(grasp_goal(target), feedback_callback=heard)
        if not _event(sent).wait(self._server_timeout_s):
            # An arm that accepts it after all must not move for a caller who has given up.
            sent.add_done_callback(lambda late: late.result().cancel_goal_async() if late.result().accepted else None)
            raise NoArmError(f"the arm at {self._action!r} did not answer within {self._server_timeout_s:g} s")
        return sent.result()

    def _outcome(self, handle: Any, cancel: CancelToken) -> MotionOutcome:
        """Forwards a cancel, once; past the time limit it cancels by itself."""
        answer = handle.get_result_async()
        ended, stop = _event(answer), _Once(handle.cancel_goal_async)
        deadline_s = time.monotonic() + self._motion_timeout_s
        seen_s, late = time.monotonic(), False
        while not ended.wait(_POLL_S):
            now_s = time.monotonic()
            late = late or now_s > deadline_s
            if late or cancel.cancelled:
                stop()
            if now_s > deadline_s + self._server_timeout_s:
                raise GoalTimeoutError(f"the arm neither ended within {self._motion_timeout_s:g} s nor stopped")
            if self._client.server_is_ready():
                seen_s = now_s
            elif now_s > seen_s + self._server_timeout_s:
                raise NoArmError(f"the arm at {self._action!r} went away while it moved; where it stands is not known")
        outcome = outcome_from_result(answer.result().result)
        if late and outcome.reason == "cancelled":
            message = f"stopped: it had not ended after {self._motion_timeout_s:g} s"
            return outcome.model_copy(update={"reason": "timeout", "message": message})
        return outcome


class _Once:
    """Calls what it was given at the first call alone."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call, self._called = call, False

    def __call__(self) -> None:
        if not self._called:
            self._called = True
            self._call()


def _event(future: Future) -> threading.Event:
    """Set once the future is done; rclpy's own have nothing to wait on."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    return done
