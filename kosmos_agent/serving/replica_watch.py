"""How many replicas run, asked now and then on a thread of its own, as who is asked may be gone and never answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

PERIOD_S = 1.0
_STALE_S = 5 * PERIOD_S
"""What was heard last is believed so long: a controller that is silent for longer is lost, or its machine is."""

_log = logging.getLogger(__name__)


class ReplicaWatch:
    """running: how many there are now; it may raise, and may block. Between `start` and `stop` it is asked again and
    again."""

    def __init__(self, running: Callable[[], int], *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._running, self._now_s = running, now_s
        self._seen_s: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replica-watch", daemon=True)

    @property
    def any_running(self) -> bool:
        seen_s = self._seen_s
        return not self._stopped.is_set() and seen_s is not None and self._now_s() - seen_s <= _STALE_S

    def look(self) -> None:
        try:
            count = self._running()
        except Exception:  # noqa: BLE001  # Ray has no base of its own for what keeps it from answering
            _log.debug("the replicas could not be counted", exc_info=True)
            return
        self._seen_s = self._now_s() if count else None

    def start(self) -> None:
        """Looks once, then goes on."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """It may be in the middle of a look, which nobody waits for."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(PERIOD_S):
            self.look()
