"""Which answered box is which true one, and F1 over sets of boxes (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kosmos_agent.results import Box

HIT_IOU = 0.5


@dataclass(frozen=True)
class Counts:
    """What was right, what was too much, what was left out; counts add up over pictures (micro average)."""

    right: int = 0
    spurious: int = 0
    left_out: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.spurious + other.spurious, self.left_out + other.left_out)

    @property
    def f1(self) -> float | None:
        """2 right / (2 right + spurious + left out); None where there was nothing to say and nothing was said."""
        total = 2 * self.right + self.spurious + self.left_out
        return 2 * self.right / total if total else None


def match(answered: Sequence[Box], true: Sequence[Box], threshold: float = HIT_IOU) -> list[tuple[int, int]]:
    """Pairs of indices (answered, true), one to one: the greatest overlap first, none below `threshold`."""
    overlaps = [(box.iou(other), i, j) for i, box in enumerate(answered) for j, other in enumerate(true)]
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    taken: set[int] = set()
    for overlap, i, j in sorted(overlaps, key=lambda item: (-item[0], item[1], item[2])):
        if overlap >= threshold and i not in used and j not in taken:
            pairs.append((i, j))
            used.add(i)
            taken.add(j)
    return pairs


def set_counts(answered: Sequence[Box], true: Sequence[Box]) -> Counts:
    """The boxes of one phrase that names several things."""
    right = len(match(answered, true))
    return Counts(right, len(answered) - right, len(true) - right)


def total(counts: Iterable[Counts]) -> Counts:
    return sum(counts, Counts())
