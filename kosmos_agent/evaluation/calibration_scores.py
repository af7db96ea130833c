"""How far probabilities are from frequencies (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError

BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Of `count` answers: what was said on average, and how often it came true."""

    mean_probability: float
    frequency: float
    count: int


def reliability_bins(
    probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = BINS
) -> list[ReliabilityBin]:
    """At most `bins` bins of equally many answers each (to within one), from the lowest probabilities to the highest.

    Of answers with the same probability each counts as their common frequency, so their order does not matter.
    InvalidArgumentError for lists of different lengths, numbers outside [0, 1] or no bins.
    """
    said, came_true = _checked(probabilities, outcomes)
    if bins < 1:
        raise InvalidArgumentError(f"{bins} bins; valid: at least 1")
    order = np.argsort(said, kind="stable")
    said, came_true = said[order], _shared_among_ties(said[order], came_true[order])
    parts = zip(np.array_split(said, bins), np.array_split(came_true, bins), strict=True)
    return [ReliabilityBin(float(one.mean()), float(other.mean()), len(one)) for one, other in parts if len(one)]


def ece(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = BINS) -> float:
    """Expected calibration error: mean distance of the bins from the diagonal, weighted by count; 0 for no answers."""
    found = reliability_bins(probabilities, outcomes, bins)
    total = sum(item.count for item in found)
    return sum(item.count * abs(item.mean_probability - item.frequency) for item in found) / max(total, 1)


def _checked(
    probabilities: Sequence[float], outcomes: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    said, came_true = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    if said.shape != came_true.shape or said.ndim != 1:
        raise InvalidArgumentError(f"{said.shape} probabilities and {came_true.shape} outcomes; valid: one of each")
    if not bool(((said >= 0) & (said <= 1)).all()):
        raise InvalidArgumentError("a probability lies outside [0, 1]")
    return said, came_true


def _shared_among_ties(said: NDArray[np.float64], came_true: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sorted probabilities: every outcome becomes the mean of those with the same probability."""
    _, group, counts = np.unique(said, return_inverse=True, return_counts=True)
    means: NDArray[np.float64] = np.bincount(group, weights=came_true) / counts
    return means[group]
