"""`GroundingClient`: asks the grounding node where a phrase is, and outlives one that is killed and started again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kosmos_interfaces.action import Ground
from pydantic import ValidationError
from rclpy.node import Node
from std_msgs.msg import Header

from kosmos_agent.errors import GoalTimeoutError, InvalidArgumentError, KosmosAgentError
from kosmos_agent.results import Grounding
from kosmos_agent.robot.cancel import CancelToken
from kosmos_ros import answers, stamps
from kosmos_ros.errors import NoServerError, NotActiveError
from kosmos_ros.goal_calls import GoalCall, GoalCaller
from kosmos_ros.reasons import error_from_reason
from kosmos_ros.targets import LocatedTarget, target_from_message

PHASES = {
    getattr(Ground.Feedback, name.upper()): name
    for name in ("waiting_for_image", "encoding", "grounding", "writing", "locating")
}
_POLL_S = 0.02
_RETRY_S = 0.2
_ACCEPT_S = 5.0
"""A goal that is neither accepted nor rejected by then went astray: the server had not discovered us yet."""
_GRAPH_PERIOD_S = 0.2
"""Between looks at the graph: whether the server is there, and still the same one."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Heard:
    """What the grounding node answered.

    targets: of the candidates that have depth. target_error: why there are none. header: the picture's.
    image_age_s: of the picture when it was answered, on the node's clock.
    """

    answer: Grounding
    targets: tuple[LocatedTarget, ...]
    target_error: KosmosAgentError | None
    header: Header
    image_age_s: float


class GroundingClient:
    """Blocking: call it on a thread of your own while an executor spins `node`; make it before (see GoalCaller).

    action: a name, to be remapped. answer_timeout_s: wall time that one answer may take, and for which a node that
    answers may at a stretch be missing or not active.
    """

    def __init__(self, node: Node, action: str = "ground", *, answer_timeout_s: float = 30.0) -> None:
        if answer_timeout_s <= 0:
            raise InvalidArgumentError(f"answer_timeout_s {answer_timeout_s}; valid: above 0")
        self.answer_timeout_s = answer_timeout_s
        self._action, self._caller = action, GoalCaller(node, Ground, action)

    def find(
        self,
        phrase: str,
        *,
        target_frame: str,
        timeout_s: float,
        on_phase: Report = lambda phase: None,
        cancel: CancelToken | None = None,
    ) -> Heard:
        """Asks again where the node went away or was not active yet.

        timeout_s: wall time of all of it. on_phase: told of each phase, on the caller's thread.
        NoServerError, NotActiveError, GoalTimeoutError, CancelledError; RemoteError with the node's own code;
        InvalidArgumentError where it answers what no grounding node of ours can.
        """
        waits = _Waits(self._action, self.answer_timeout_s, timeout_s, cancel or CancelToken())
        while True:
            self._wait_for_server(waits)
            seconds = stamps.duration_message(waits.next_answer_s())
            goal = Ground.Goal(phrase=phrase, want_3d=True, target_frame=target_frame, timeout=seconds)
            call = self._caller.send(goal)
            try:
                result = self._followed(call, waits, on_phase)
            except KosmosAgentError:
                call.drop()
                raise
            if result is not None:
                return _heard(result)
            call.drop()
            waits.pause()

    def close(self) -> None:
        self._caller.close()

    def _wait_for_server(self, waits: _Waits) -> None:
        while not self._caller.ready():
            waits.check_missing()
            waits.cancel.wait(_POLL_S)

    def _followed(self, call: GoalCall, waits: _Waits, on_phase: Report) -> Ground.Result | None:
        """None where it has to be asked again."""
        sent_s = looked_s = time.monotonic()
        accepted = False
        while True:
            waits.check()
            event = call.next(_POLL_S)
            if event is None:
                now_s = time.monotonic()
                if not accepted and now_s - sent_s > _ACCEPT_S:
                    return None
                if now_s - looked_s > _GRAPH_PERIOD_S:
                    looked_s = now_s
                    if not self._caller.ready() or self._caller.replaced(call):
                        waits.absent()
                        return None
            elif event.kind == "accepted":
                accepted = True
            elif event.kind == "forgotten":
                return None
            elif event.kind == "rejected":
                waits.inactive("it rejects the goal, as a node that is not active does")
                return None
            elif event.kind == "feedback":
                waits.present()
                if event.value.phase in PHASES:
                    on_phase(PHASES[event.value.phase])
            elif event.kind == "ended":
                if event.value.reason.name == NotActiveError.code:
                    waits.inactive(event.value.reason.message)
                    return None
                return event.value


class _Waits:
    """How long to wait yet: for everything, for one answer, and for a server that is missing or not active."""

    def __init__(self, action: str, answer_timeout_s: float, timeout_s: float, cancel: CancelToken) -> None:
        self._action, self._answer_timeout_s, self._timeout_s, self.cancel = action, answer_timeout_s, timeout_s, cancel
        self._deadline_s = time.monotonic() + timeout_s
        self._answer_deadline_s = self._deadline_s
        self._missing_since_s: float | None = None

    def next_answer_s(self) -> float:
        """Of a goal that is sent now."""
        now_s = time.monotonic()
        self._answer_deadline_s = min(self._deadline_s, now_s + self._answer_timeout_s)
        return max(self._answer_deadline_s - now_s, 1e-3)

    def present(self) -> None:
        self._missing_since_s = None

    def absent(self) -> None:
        self._missing_since_s = self._missing_since_s or time.monotonic()

    def check(self) -> None:
        self.cancel.raise_if_cancelled()
        now_s = time.monotonic()
        if now_s > self._deadline_s:
            raise GoalTimeoutError(f"{self._action!r} did not answer in the {self._timeout_s:.3g} s that were left")
        if now_s > self._answer_deadline_s:
            raise GoalTimeoutError(f"{self._action!r} did not answer within {self._answer_timeout_s:g} s")

    def check_missing(self) -> None:
        self._answer_deadline_s = self._deadline_s
        self.check()
        self.absent()
        if self._too_long():
            raise NoServerError(
                f"no grounding node serves {self._action!r} after {self._answer_timeout_s:g} s; start one, or remap it"
            )

    def inactive(self, words: str) -> None:
        self.absent()
        if self._too_long():
            message = f"{words}, for {self._answer_timeout_s:g} s; configure and activate the node behind"
            raise NotActiveError(f"{message} {self._action!r}")

    def pause(self) -> None:
        self.cancel.wait(_RETRY_S)

    def _too_long(self) -> bool:
        since_s = self._missing_since_s
        return since_s is not None and time.monotonic() - since_s > self._answer_timeout_s


def _heard(result: Ground.Result) -> Heard:
    error = error_from_reason(result.reason)
    if error is not None:
        raise error
    message = result.grounding
    try:
        return Heard(
            answers.grounding_from_message(message),
            tuple(target_from_message(target) for target in message.targets),
            error_from_reason(message.target_reason),
            message.header,
            stamps.duration_s(message.image_age),
        )
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidArgumentError(f"the grounding node's answer is none: {where}: {first['msg']}") from invalid
