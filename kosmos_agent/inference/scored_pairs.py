"""Many boxes with their weights, as arrays: what 100 candidates cost must not show beside the model (pure).

Arithmetic and its order are those of `Box` and `location`, so that nothing depends on which of the two was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.location import Pair
from kosmos_agent.results import Box

Floats = NDArray[np.float64]
Corners = NDArray[np.float64]
"""(N, 4): x1, y1, x2, y2 of each box, as fractions of the picture."""


@dataclass(frozen=True)
class ScoredPair:
    """A pair of corners and its probability among all valid pairs that begin with a location token."""

    pair: Pair
    probability: float


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """cells: (N, 2) location indices of upright pairs. probabilities: (N,)."""

    cells: NDArray[np.int64]
    probabilities: Floats

    @classmethod
    def of(cls, scored: Iterable[ScoredPair]) -> ScoredPairs:
        listed = list(scored)
        cells = np.array([item.pair for item in listed], dtype=np.int64).reshape(-1, 2)
        return cls(cells, np.array([item.probability for item in listed], dtype=np.float64))

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, place: int) -> ScoredPair:
        first, second = self.cells[place].tolist()
        return ScoredPair((first, second), float(self.probabilities[place]))

    def __iter__(self) -> Iterator[ScoredPair]:
        return (self[place] for place in range(len(self)))

    def in_order(self, order: NDArray[np.intp]) -> ScoredPairs:
        return ScoredPairs(self.cells[order], self.probabilities[order])

    def by_weight(self) -> ScoredPairs:
        """Those of equal weight as they stood."""
        return self.in_order(np.argsort(-self.probabilities, kind="stable"))

    def corners(self, side: int) -> Corners:
        """As `location.pair_to_box`."""
        (top, left), (bottom, right) = (np.divmod(column, side) for column in self.cells.T)
        in_line = (top == bottom) | (left == right)
        first, last = np.where(in_line, 0.0, 0.5), np.where(in_line, 1.0, 0.5)
        cell = 1.0 / side
        x2, y2 = np.minimum((right + last) * cell, 1.0), np.minimum((bottom + last) * cell, 1.0)
        return np.stack([(left + first) * cell, (top + first) * cell, x2, y2], axis=1)


def iou_with(corners: Corners, box: Corners) -> Floats:
    """(N, 4) and (4,) -> (N,), as `Box.iou`."""
    overlap = np.minimum(corners[:, 2:], box[2:]) - np.maximum(corners[:, :2], box[:2])
    shared = np.where((overlap > 0).all(axis=1), overlap[:, 0] * overlap[:, 1], 0.0)
    sides, own = corners[:, 2:] - corners[:, :2], box[2:] - box[:2]
    return shared / (own[0] * own[1] + sides[:, 0] * sides[:, 1] - shared)


def as_box(corners: Corners) -> Box:
    """(4,)."""
    x1, y1, x2, y2 = corners.tolist()
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


def mean_box(corners: Corners, weights: Floats) -> Box:
    """Corner by corner; the weights need not sum to 1, one must be positive."""
    return as_box(np.clip(weights @ corners / weights.sum(), 0.0, 1.0))
