"""A second look at small things, through a crop of the full picture.

One cell of the 32 x 32 grid is 20 x 15 pixels of a 640 x 480 picture: a spoon's handle fits into one. Seen through a
window of three times its size, a thing spans ten cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.windows import Window
from kosmos_agent.location import pair_to_box
from kosmos_agent.results import Box


@dataclass(frozen=True)
class Zoom:
    """below: boxes of a smaller side (geometric mean, share of the picture) get a second look.

    times, margin, smallest: the window's side is the larger of `times` and the box's side plus `margin`, never under
    `smallest`, as too near a look shows a thing without its surroundings. agree: overlap of the two answers from
    which the second is believed.
    """

    below: float = 0.2
    times: float = 3.0
    margin: float = 0.15
    smallest: float = 0.22
    agree: float = 0.3

    def wants(self, box: Box) -> bool:
        return box.side < self.below

    def window(self, box: Box, width: int, height: int) -> Window:
        longer = max(box.x2 - box.x1, box.y2 - box.y1)
        return Window.around(box, max(self.times * longer, longer + self.margin, self.smallest), width, height)


@dataclass(frozen=True)
class SecondLook:
    """box: of the whole picture. agreement: IoU with the first answer. presence: of the thing in the window."""

    box: Box
    agreement: float
    presence: float


def second_look(first: Box, scores: CornerScores, window: Window, side: int, zoom: Zoom) -> SecondLook | None:
    """The answer in the window that fits the first one, mapped back; None when none does.

    Of several things of the kind in the window, the first answer says which is meant. Corners are the mean over the
    pairs of that thing, weighted by probability, which is finer than a cell.
    """
    boxes = [window.to_whole(pair_to_box(scored.pair, side)) for scored in scores.pairs]
    fit = [scored.probability * first.iou(box) for scored, box in zip(scores.pairs, boxes, strict=True)]
    best = boxes[int(np.argmax(fit))]
    if first.iou(best) < zoom.agree:
        return None
    weights = [
        scored.probability if best.iou(box) >= 0.5 else 0.0 for scored, box in zip(scores.pairs, boxes, strict=True)
    ]
    box = mean_box(boxes, weights)
    return SecondLook(box, first.iou(box), min(1.0, scores.presence))


def mean_box(boxes: Sequence[Box], weights: Sequence[float]) -> Box:
    """Corner by corner; the weights need not sum to 1, one must be positive."""
    corners: NDArray[np.float64] = np.average([box.corners for box in boxes], axis=0, weights=weights)
    x1, y1, x2, y2 = (float(value) for value in np.clip(corners, 0.0, 1.0))
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)
