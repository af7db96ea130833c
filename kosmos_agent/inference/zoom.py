"""A second look at small things, through a crop of the full picture.

One cell of the 32 x 32 grid is 20 x 15 pixels of a 640 x 480 picture: a spoon's handle fits into one. Seen through a
window of three times its size, a thing spans ten cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.scored_pairs import iou_with, mean_box
from kosmos_agent.inference.windows import Window
from kosmos_agent.results import Box


@dataclass(frozen=True)
class Zoom:
    """below: boxes of a smaller side (geometric mean, share of the picture) get a second look, however sure the first
    is; the window of a larger one would be most of the picture that was looked at already.

    times, margin, smallest: the window's side is the larger of `times` and the box's side plus `margin`, never under
    `smallest`, as too near a look shows a thing without its surroundings. agree: overlap of the two answers from
    which the second is believed.
    """

    below: float = 0.2
    times: float = 3.0
    margin: float = 0.15
    smallest: float = 0.22
    agree: float = 0.2

    def wants(self, box: Box) -> bool:
        return box.side < self.below

    def window(self, box: Box, width: int, height: int) -> Window:
        longer = max(box.x2 - box.x1, box.y2 - box.y1)
        return Window.around(box, max(self.times * longer, longer + self.margin, self.smallest), width, height)


@dataclass(frozen=True)
class SecondLook:
    """box: of the whole picture, the first answer's where the looks disagree. agreement: IoU of the two answers.

    object_log_odds: of `<object>` in the window.
    """

    box: Box
    agreement: float
    object_log_odds: float


def second_look(first: Box, scores: CornerScores, window: Window, side: int, zoom: Zoom) -> SecondLook:
    """The answer in the window that fits the first one, mapped back.

    Of several things of the kind in the window, the first answer says which is meant. Corners are the mean over the
    pairs of that thing, weighted by probability, which is finer than a cell.
    """
    boxes, weights = window.to_whole_corners(scores.pairs.corners(side)), scores.pairs.probabilities
    overlaps = iou_with(boxes, np.array(first.corners))
    best = int(np.argmax(weights * overlaps))
    if overlaps[best] < zoom.agree:
        return SecondLook(first, float(overlaps[best]), scores.object_log_odds)
    box = mean_box(boxes, np.where(iou_with(boxes, boxes[best]) >= 0.5, weights, 0.0))
    return SecondLook(box, first.iou(box), scores.object_log_odds)
