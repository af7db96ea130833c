"""A call that ends by its own time limit or by whoever asked, whichever comes first."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from kosmos_agent.errors import CancelledError, GoalTimeoutError
from kosmos_agent.robot.cancel import CancelToken


class Deadline:
    """Within it `token` is cancelled when the time is over, and a CancelledError that this causes becomes a
    GoalTimeoutError that states the limit."""

    def __init__(self, limit_s: float, cancel: CancelToken | None = None) -> None:
        self.token = cancel or CancelToken()
        self.expired = False
        self._limit_s, self._end_s = limit_s, time.monotonic() + limit_s
        self._timer = threading.Timer(limit_s, self._expire)
        self._timer.daemon = True

    @property
    def remaining_s(self) -> float:
        return max(self._end_s - time.monotonic(), 1e-3)

    @property
    def words(self) -> str:
        return f"the time limit of {self._limit_s:g} s ran out"

    def should_stop(self) -> bool:
        """Asked by a decoder before each token."""
        return self.token.cancelled

    def check(self) -> None:
        """CancelledError between two stages, once it is over."""
        self.token.raise_if_cancelled()

    def __enter__(self) -> Deadline:
        self.check()
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self.expired and isinstance(error, CancelledError):
            raise GoalTimeoutError(f"{self.words}; nothing was answered or moved") from error

    def _expire(self) -> None:
        if not self.token.cancelled:
            self.expired = True
            self.token.cancel(self.words)
