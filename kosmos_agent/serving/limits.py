"""What bounds a queue and a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from kosmos_agent.errors import InvalidArgumentError


@dataclass(frozen=True)
class QueueLimits:
    """max_phrases, max_pictures: of one pass; the first is also how long anybody waits for others at most.

    quantum: credit for each round, in phrases. max_waiting, max_waiting_bytes: one-off questions in the queue and their
    pictures, unpacked. max_cameras: known at a time. max_age_s: of a camera's picture when its turn comes.
    """

    max_phrases: int = 16
    max_pictures: int = 8
    quantum: int = 4
    max_waiting: int = 64
    max_waiting_bytes: int = 512 << 20
    max_cameras: int = 64
    max_age_s: float = 2.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise InvalidArgumentError(f"{field.name} {value}; valid: a finite number above 0")
