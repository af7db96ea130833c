"""What binds every skill, set when the robot's abilities are made and never by whoever calls them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from kosmos_agent.errors import InvalidArgumentError


@dataclass(frozen=True)
class Limits:
    """max_age_s: of a live camera's picture. shared_s: calls within this of each other may share one look.

    look_timeout_s: for a picture to come. answer_timeout_s, motion_timeout_s: for a whole call that looks, or moves.
    settled_m, recheck_m, max_looks: as in `pick_by_sight`. same_thing_m: a target is known again within this of where
    it was. beside_m: free room between a thing and one that is put beside it. max_targets: remembered at a time.
    """

    max_age_s: float = 2.0
    shared_s: float = 0.2
    look_timeout_s: float = 5.0
    answer_timeout_s: float = 30.0
    motion_timeout_s: float = 120.0
    max_looks: int = 4
    settled_m: float = 0.02
    recheck_m: float = 0.03
    same_thing_m: float = 0.04
    beside_m: float = 0.03
    max_targets: int = 256

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise InvalidArgumentError(f"{field.name} {value}; valid: a finite number above 0")
