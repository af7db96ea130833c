"""Scores of referring comprehension: accuracy by kind of phrase and by size of the thing (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

SIZE_CLASSES = {"lt7": (0.0, 0.07), "7to12": (0.07, 0.12), "ge12": (0.12, 2.0)}
"""Fractions of the picture's side: the side of the square that has the true box's area."""

Figures = dict[str, float]


@dataclass(frozen=True)
class ReferringResult:
    """One phrase with one referent: its kind, side of the true box (0 to 1), IoU of the answer (0 when none)."""

    kind: str
    side: float
    iou: float


def figures(results: Sequence[ReferringResult]) -> Figures:
    """`n`, accuracy at IoU 0.5 and 0.75 (a hit is IoU >= the threshold), mean IoU; no accuracies when n is 0."""
    if not results:
        return {"n": 0}
    count = len(results)
    return {
        "n": count,
        "accuracy_iou50": sum(result.iou >= 0.5 for result in results) / count,
        "accuracy_iou75": sum(result.iou >= 0.75 for result in results) / count,
        "mean_iou": sum(result.iou for result in results) / count,
    }


def summarise(results: Sequence[ReferringResult]) -> dict[str, object]:
    """`figures` of all, then `by_kind` and `by_size`; `by_kind_ge12` is by kind for things of 12 % and more.

    `relation_superlative_ge12`: `figures` of these two kinds together, of things of 12 % and more.
    """
    large = [result for result in results if size_class(result.side) == "ge12"]
    return {
        **figures(results),
        "by_kind": _grouped(results, lambda result: result.kind),
        "by_size": {name: figures([r for r in results if size_class(r.side) == name]) for name in SIZE_CLASSES},
        "by_kind_ge12": _grouped(large, lambda result: result.kind),
        "relation_superlative_ge12": figures([r for r in large if r.kind in ("relation", "superlative")]),
    }


def size_class(side: float) -> str:
    return next(name for name, (low, high) in SIZE_CLASSES.items() if low <= side < high)


def auroc(positive: Iterable[float], negative: Iterable[float]) -> float:
    """Probability that a positive scores above a negative, ties counted half; 0.5 where either is empty."""
    scored = sorted([(score, True) for score in positive] + [(score, False) for score in negative])
    positives = sum(is_positive for _, is_positive in scored)
    negatives = len(scored) - positives
    if not positives or not negatives:
        return 0.5
    rank_sum, start = 0.0, 0
    while start < len(scored):
        end = start
        while end < len(scored) and scored[end][0] == scored[start][0]:
            end += 1
        mean_rank = (start + 1 + end) / 2
        rank_sum += mean_rank * sum(is_positive for _, is_positive in scored[start:end])
        start = end
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def _grouped(results: Sequence[ReferringResult], key: Callable[[ReferringResult], str]) -> dict[str, Figures]:
    names = sorted({key(result) for result in results})
    return {name: figures([result for result in results if key(result) == name]) for name in names}
