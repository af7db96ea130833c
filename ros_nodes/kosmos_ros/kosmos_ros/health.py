"""How the node fares: counted by whoever sees it, read by the diagnostics. Thread-safe, no ROS here."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kosmos_agent.errors import KosmosAgentError

MAX_CODES = 64


@dataclass(frozen=True)
class Snapshot:
    """fault_age_s: since the last fault, wall clock."""

    answered: int
    refused: dict[str, int] = field(default_factory=dict)
    fault: KosmosAgentError | None = None
    fault_age_s: float = 0.0
    mismatches: tuple[str, ...] = ()


class Health:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answered = 0
        self._refused: Counter[str] = Counter()
        self._fault: KosmosAgentError | None = None
        self._fault_at_s = 0.0
        self._mismatches: tuple[str, ...] = ()

    def answer(self) -> None:
        with self._lock:
            self._answered += 1

    def fail(self, error: KosmosAgentError) -> None:
        with self._lock:
            if error.code in self._refused or len(self._refused) < MAX_CODES:
                self._refused[error.code] += 1
            self._fault, self._fault_at_s = error, self._clock()

    def mismatch(self, sentences: tuple[str, ...]) -> None:
        with self._lock:
            self._mismatches = sentences

    def snapshot(self) -> Snapshot:
        with self._lock:
            age_s = self._clock() - self._fault_at_s
            return Snapshot(self._answered, dict(self._refused), self._fault, age_s, self._mismatches)
