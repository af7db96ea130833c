"""Scores of boxes in pixels, as the authors' evaluation counts them (pure; arXiv 2306.14824 sections 4.1.1, 4.1.2).

A hit is IoU 0.5 or more in the published code and more than 0.5 in the paper's text: both are given. Corners are taken
as they were written: an inverted box overlaps nothing, which makes it the zero box that malformed output counts as.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pydantic.dataclasses import dataclass

from kosmos_agent.evaluation.benchmarks.samples import BoxPx

RANKS = (1, 5, 10)
M_ACC_IOUS = tuple(value / 100 for value in range(50, 100, 5))
"""Ref-L4 averages the accuracy over these (arXiv 2406.16866)."""
_HIT = 0.5

Figures = dict[str, float | int | None]


@dataclass(frozen=True)
class GroundingRecord:
    """One phrase asked. boxes_px: what was answered, in order; none where nothing fitting was written.

    text: what the model wrote, tags included. refused: why the phrase could not be asked at all; it counts as a miss.
    """

    id: str
    image: str
    width: int
    height: int
    phrase: str
    kinds: tuple[str, ...]
    true_px: tuple[BoxPx, ...]
    boxes_px: tuple[BoxPx, ...]
    text: str
    refused: str | None = None

    @property
    def ious(self) -> list[float]:
        """Of each answered box, with the true box that it overlaps most; [0] where there is none."""
        return [best_iou(box, self.true_px) for box in self.boxes_px] or [0.0]


def iou_px(box: BoxPx, other: BoxPx) -> float:
    """0 where either is empty or inverted."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = (box[2] - box[0]) * (box[3] - box[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return width * height / (areas - width * height)


def best_iou(box: BoxPx, true_px: Sequence[BoxPx]) -> float:
    return max(iou_px(box, other) for other in true_px)


def mean_box(boxes_px: Sequence[BoxPx]) -> BoxPx:
    """Corner by corner; of no box, the zero box."""
    if not boxes_px:
        return (0.0, 0.0, 0.0, 0.0)
    x1, y1, x2, y2 = (sum(values) / len(boxes_px) for values in zip(*boxes_px, strict=True))
    return (x1, y1, x2, y2)


def grounding_figures(records: Sequence[GroundingRecord]) -> dict[str, object]:
    """Figures of all records, and of each kind under `by_kind`; shares in [0, 1], None of nothing."""
    grouped: defaultdict[str, list[GroundingRecord]] = defaultdict(list)
    for record in records:
        for kind in dict.fromkeys(record.kinds):
            grouped[kind].append(record)
    return {**_figures(records), "by_kind": {kind: _figures(some) for kind, some in sorted(grouped.items())}}


def _figures(records: Sequence[GroundingRecord]) -> Figures:
    ious = [record.ious for record in records]
    first = [values[0] for values in ious]
    best = [max(values) for values in ious]
    mean = [best_iou(mean_box(record.boxes_px), record.true_px) for record in records]
    figures: Figures = {
        "n": len(records),
        "n_without_box": sum(not record.boxes_px for record in records),
        "n_refused": sum(record.refused is not None for record in records),
        "accuracy_iou50": _share(first, _HIT),
        "accuracy_iou50_strict": _share(first, _HIT, strict=True),
        "accuracy_iou75": _share(first, 0.75),
        "accuracy_iou90": _share(first, 0.9),
        "m_acc": _mean([_share(first, threshold) for threshold in M_ACC_IOUS]),
        "mean_iou": _mean(first),
        "mean_box_iou50": _share(mean, _HIT),
        "best_box_iou50": _share(best, _HIT),
    }
    for rank in RANKS:
        top = [max(values[:rank]) for values in ious]
        figures[f"recall_at_{rank}"] = _share(top, _HIT)
        figures[f"recall_at_{rank}_strict"] = _share(top, _HIT, strict=True)
    return figures


def _share(ious: Sequence[float], threshold: float, *, strict: bool = False) -> float | None:
    return _mean([float(iou > threshold if strict else iou >= threshold) for iou in ious])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
