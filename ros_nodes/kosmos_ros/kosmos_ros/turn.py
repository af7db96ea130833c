"""Whose turn it is at a server that works on one goal at a time. No ROS here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

RESERVED_S = 2.0


class Turn:
    """Thread-safe. A goal reserves the turn when it is accepted and begins it when it is executed.

    A reservation lapses after RESERVED_S: where the answer to an accepted goal cannot be sent, because its client is
    gone or not quite discovered, rclpy never executes it, and nobody would ever give the turn back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._changed = clock, threading.Condition()
        self._working = self._closed = False
        self._reserved_s: float | None = None

    def reserve(self) -> bool:
        with self._changed:
            waiting = self._reserved_s is not None and self._clock() - self._reserved_s < RESERVED_S
            if self._working or self._closed or waiting:
                return False
            self._reserved_s = self._clock()
            return True

    def begin(self) -> bool:
        """False where another began first, after the reservation had lapsed, or it is closed."""
        with self._changed:
            if self._working or self._closed:
                return False
            self._working, self._reserved_s = True, None
            return True

    def end(self) -> None:
        with self._changed:
            self._working = False
            self._changed.notify_all()

    def close(self, timeout_s: float) -> bool:
        """Nothing begins any more; whether the one at work ended in time."""
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: not self._working, timeout_s)
