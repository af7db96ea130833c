"""A flag that one thread raises and another heeds."""

from __future__ import annotations

import threading

from kosmos_agent.errors import CancelledError


class CancelToken:
    """Thread-safe, one-way: once cancelled it stays so. Make a new one for each request."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reason = ""

    def cancel(self, reason: str = "the caller asked to stop") -> None:
        """Never blocks; the first reason is kept."""
        if not self._event.is_set():
            self._reason = reason
            self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    @property
    def reason(self) -> str:
        """Empty while not cancelled."""
        return self._reason if self._event.is_set() else ""

    def raise_if_cancelled(self) -> None:
        """CancelledError with the reason, once cancelled."""
        if self._event.is_set():
            raise CancelledError(self._reason)

    def wait(self, timeout_s: float) -> bool:
        """Sleep at most `timeout_s` seconds; True as soon as cancelled."""
        return self._event.wait(timeout_s)
