"""The things that answers told of, by the ids under which a later skill takes them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from kosmos_agent.errors import UnknownTargetError
from kosmos_agent.results import Box, Target3D

_NAMES_IN_MESSAGES = 12
_SAME_BOX_IOU = 0.7
ONE_THING_M = 0.015
"""Two things cannot have their middles closer than this."""


@dataclass(frozen=True)
class Remembered:
    """What a thing was called and where it was last. target: None where there was no depth."""

    phrase: str
    box: Box
    target: Target3D | None = None


class TargetBook:
    """Thread-safe. A thing within `same_thing_m` of where a known one was keeps its id; the oldest are forgotten."""

    def __init__(self, same_thing_m: float, max_targets: int) -> None:
        self._same_thing_m, self._max_targets = same_thing_m, max_targets
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Remembered] = OrderedDict()
        self._count = 0

    def remember(self, answered: Iterable[Remembered]) -> tuple[str, ...]:
        """An id for each box of one answer. Two get the same one only where they lie on one thing, as depth shows."""
        with self._lock:
            things: dict[str, Remembered] = {}
            target_ids: list[str] = []
            for seen in answered:
                target_id = next((name for name, thing in things.items() if _on_one_thing(thing, seen)), None)
                if target_id is None:
                    target_id = self._put(seen, things)
                    things[target_id] = seen
                target_ids.append(target_id)
            while len(self._known) > max(self._max_targets, len(things)):
                self._known.popitem(last=False)
            return tuple(target_ids)

    def find(self, target_id: str) -> Remembered:
        """UnknownTargetError lists the newest ids."""
        with self._lock:
            if target_id in self._known:
                return self._known[target_id]
            known = ", ".join(list(self._known)[-_NAMES_IN_MESSAGES:]) or "none yet: find something first"
        raise UnknownTargetError(f"no target has the id {target_id[:40]!r}; known: {known}")

    def _put(self, seen: Remembered, taken: Collection[str]) -> str:
        target_id = self._id_of(seen, taken)
        before = self._known.get(target_id)
        if before is not None and seen.target is None:
            seen = replace(seen, target=before.target)
        self._known[target_id] = seen
        self._known.move_to_end(target_id)
        return target_id

    def _id_of(self, seen: Remembered, taken: Collection[str]) -> str:
        """Of the known thing that it is most like; of those alike the newest."""
        likeness = {name: self._likeness(known, seen) for name, known in self._known.items() if name not in taken}
        best = max(reversed(likeness), key=likeness.__getitem__, default=None)
        if best is not None and likeness[best] >= 0:
            return best
        self._count += 1
        return f"t{self._count}"

    def _likeness(self, known: Remembered, seen: Remembered) -> float:
        """Below 0: another thing. Metres are judged where both have them, else the words and the box."""
        if known.target is not None and seen.target is not None:
            return 1 - distance_m(known.target, seen.target) / self._same_thing_m
        return known.box.iou(seen.box) - _SAME_BOX_IOU if known.phrase == seen.phrase else -1.0


def _on_one_thing(first: Remembered, second: Remembered) -> bool:
    if first.target is None or second.target is None:
        return False
    return distance_m(first.target, second.target) <= ONE_THING_M


def distance_m(first: Target3D, second: Target3D) -> float:
    """Between the middles."""
    return float(np.linalg.norm(np.subtract(first.position_m, second.position_m)))
