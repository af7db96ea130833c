"""Saying no: how often a thing that is not there is "found", how often one that is there is denied (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kosmos_agent.results import Status

CurvePoint = tuple[float, float]
"""Recall, precision."""


def status_rate(statuses: Sequence[Status], wanted: Status) -> float | None:
    """Share of the answers with that status; None where there are none."""
    return sum(status == wanted for status in statuses) / len(statuses) if statuses else None


def precision_recall(positive: Iterable[float], negative: Iterable[float]) -> list[CurvePoint]:
    """One point for each distinct score, taken as the threshold, from the highest down.

    Recall: share of `positive` at or above it. Precision: share of `positive` among all at or above it. Empty without
    a positive.
    """
    scored = sorted([(score, True) for score in positive] + [(score, False) for score in negative], reverse=True)
    positives = sum(is_positive for _, is_positive in scored)
    points: list[CurvePoint] = []
    right = 0
    for count, (score, is_positive) in enumerate(scored, start=1):
        right += is_positive
        if positives and (count == len(scored) or scored[count][0] < score):
            points.append((right / positives, right / count))
    return points
