"""One goal of the pick node from its acceptance to its end: its time limit, its cancel, its feedback."""

from __future__ import annotations

import threading
import time

from kosmos_interfaces.action import Pick
from rclpy.action.server import ServerGoalHandle

from kosmos_agent.errors import CancelledError, GoalTimeoutError, KosmosAgentError
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.pick import PickReport
from kosmos_ros import stamps
from kosmos_ros.picks import PHASES

_TO_CANCELING_S = 1.0


class PickJob:
    """token: cancelled by the client, by the time limit, or by a node that ends."""

    def __init__(self, handle: ServerGoalHandle) -> None:
        self.handle, self.token = handle, CancelToken()
        self.look = 0
        self._start_s = time.monotonic()
        self._limit_s = 0.0
        self._timer: threading.Timer | None = None
        self._expired = self._asked = False

    def limit(self, limit_s: float) -> None:
        """Since the acceptance, wall time."""
        self._limit_s = limit_s
        self._timer = threading.Timer(self.remaining_s(), self._expire)
        self._timer.daemon = True
        self._timer.start()

    def remaining_s(self) -> float:
        return max(self._limit_s - (time.monotonic() - self._start_s), 1e-3)

    def cancel(self) -> None:
        """The client asked to."""
        self._asked = True
        self.token.cancel("the client asked to stop; nothing was moved")

    def feedback(self, phase: str, look: int | None = None) -> None:
        """phase: one of picks.PHASES. look: None: the last one."""
        self.look = self.look if look is None else look
        elapsed = stamps.duration_message(time.monotonic() - self._start_s)
        self.handle.publish_feedback(Pick.Feedback(phase=PHASES[phase], look=self.look, elapsed=elapsed))

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._asked:
            self._wait_until_canceling()

    def why(self, error: KosmosAgentError) -> KosmosAgentError:
        """A cancel that the time limit made is a timeout."""
        late = self._expired and isinstance(error, CancelledError)
        return GoalTimeoutError(f"{self._words()}; nothing was moved") if late else error

    def judged(self, report: PickReport) -> PickReport:
        """A motion that the time limit stopped ended by timeout."""
        outcome = report.outcome
        if outcome is None or outcome.reason != "cancelled" or not self._expired:
            return report
        words = f"{self._words()}; the arm stands still where it was"
        late = outcome.model_copy(update={"reason": "timeout", "message": words})
        return report.model_copy(update={"outcome": late, "message": words})

    def end(self, *, succeeded: bool) -> None:
        """The goal's last state. Only what a client cancelled may end as canceled."""
        if succeeded:
            self.handle.succeed()
        elif self._asked and self.handle.is_cancel_requested:
            self.handle.canceled()
        else:
            self.handle.abort()

    def _words(self) -> str:
        return f"the goal's time limit of {self._limit_s:g} s ran out"

    def _expire(self) -> None:
        if not self.token.cancelled:
            self._expired = True
            self.token.cancel(f"{self._words()}; nothing was moved")

    def _wait_until_canceling(self) -> None:
        """rclpy asks us first and makes the goal canceling after; between the two it could only be aborted."""
        deadline_s = time.monotonic() + _TO_CANCELING_S
        while not self.handle.is_cancel_requested and time.monotonic() < deadline_s:
            time.sleep(1e-3)
