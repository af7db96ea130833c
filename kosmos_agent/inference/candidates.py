"""From scored pairs of corners to separate candidates, and from those to a status (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.location import pair_to_box
from kosmos_agent.results import Box, Candidate, Status


@dataclass(frozen=True)
class Decision:
    """Where the lines are drawn.

    merge_iou: pairs that overlap at least so much are the same thing. min_probability: below it a candidate is
    noise. min_presence and min_found: below these, of `<object>` and of the best candidate, the phrase may name
    nothing here. rival: a second candidate with at least this share of the first's weight makes it ambiguous.
    mean_boxes: the weightiest thing comes first, with the mean of its pairs for a box, which is finer than a cell.
    Without it the first box is what greedy decoding writes, as published.
    """

    merge_iou: float = 0.4
    min_probability: float = 0.02
    min_presence: float = 0.5
    min_found: float = 0.1
    rival: float = 0.5
    mean_boxes: bool = False


def merge(scores: CornerScores, side: int, decision: Decision) -> tuple[Candidate, ...]:
    """Separate candidates, the greedy pair's first; each has the summed probability of the pairs that it absorbs."""
    things = _things(scores, side, decision)
    first, *others = [
        Candidate(box=thing.mean if decision.mean_boxes else thing.leader, probability=min(1.0, thing.weight))
        for thing in things
    ]
    kept = [candidate for candidate in others if candidate.probability >= decision.min_probability]
    return (first, *sorted(kept, key=lambda candidate: -candidate.probability))


@dataclass
class _Thing:
    """Boxes that overlap the first of them, each with its probability."""

    boxes: list[Box]
    weights: list[float]

    @property
    def leader(self) -> Box:
        return self.boxes[0]

    @property
    def weight(self) -> float:
        return sum(self.weights)

    @property
    def mean(self) -> Box:
        return mean_box(self.boxes, self.weights)


def _things(scores: CornerScores, side: int, decision: Decision) -> list[_Thing]:
    """The one that answers first."""
    pairs = sorted(scores.pairs, key=lambda item: -item.probability) if decision.mean_boxes else scores.pairs
    things: list[_Thing] = []
    for scored in pairs:
        box = pair_to_box(scored.pair, side)
        same = next((thing for thing in things if thing.leader.iou(box) >= decision.merge_iou), None)
        if same is None:
            things.append(_Thing([box], [scored.probability]))
        else:
            same.boxes.append(box)
            same.weights.append(scored.probability)
    return sorted(things, key=lambda thing: -thing.weight) if decision.mean_boxes else things


def mean_box(boxes: Sequence[Box], weights: Sequence[float]) -> Box:
    """Corner by corner; the weights need not sum to 1, one must be positive."""
    corners: NDArray[np.float64] = np.average([box.corners for box in boxes], axis=0, weights=weights)
    x1, y1, x2, y2 = (float(value) for value in np.clip(corners, 0.0, 1.0))
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


def joint_with_presence(candidates: Sequence[Candidate], presence: float, decision: Decision) -> tuple[Candidate, ...]:
    """Candidates weighted by the probability that a box is opened at all; of the later ones, those above the noise."""
    weighted = [Candidate(box=item.box, probability=min(1.0, item.probability * presence)) for item in candidates]
    return tuple(weighted[:1] + [item for item in weighted[1:] if item.probability >= decision.min_probability])


def rivals(candidates: Sequence[Candidate], decision: Decision) -> tuple[Candidate, ...]:
    """The best candidate and all of similar weight."""
    return tuple(item for item in candidates if item.probability >= decision.rival * candidates[0].probability)


def status_of(presence: float, candidates: Sequence[Candidate], decision: Decision, *, several: bool = False) -> Status:
    """Without calibration only `found`, `ambiguous` or `cannot_tell`: a low presence is no proof of absence.

    several: the phrase names more than one thing, so candidates of similar weight are no question.
    """
    if not candidates or presence < decision.min_presence or candidates[0].probability < decision.min_found:
        return "cannot_tell"
    if not several and len(rivals(candidates, decision)) > 1:
        return "ambiguous"
    return "found"
