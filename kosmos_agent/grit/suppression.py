"""Steps 4 and 5 of the recipe: non-maximum suppression across all phrases, then the line of confidence."""

from __future__ import annotations

from collections.abc import Sequence

from kosmos_agent.grit.detection import Detection


def suppress(detections: Sequence[Detection], max_iou: float) -> list[Detection]:
    """Of boxes that overlap by more than `max_iou`, whatever their phrases, the surest; of equals, the first.

    In the order given. Every box left out overlaps a kept one that is no less sure.
    """
    kept: list[int] = []
    for index in sorted(range(len(detections)), key=lambda place: (-detections[place].score, place)):
        if all(detections[index].box.iou(detections[other].box) <= max_iou for other in kept):
            kept.append(index)
    return [detections[index] for index in sorted(kept)]


def sure(detections: Sequence[Detection], min_score: float) -> list[Detection]:
    """Those above the line; the paper keeps what is greater than 0.65."""
    return [item for item in detections if item.score > min_score]
