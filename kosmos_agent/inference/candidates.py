"""From scored pairs of corners to separate candidates, and from those to a status (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.scored_pairs import Corners, Floats, as_box, iou_with, mean_box
from kosmos_agent.results import Box, Candidate, Status

MOST_SHARED = 0.5
"""Of the smaller box: two that share more are one thing, or a thing and a part of it."""


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
    pairs = scores.pairs.by_weight() if decision.mean_boxes else scores.pairs
    corners, weights = pairs.corners(side), pairs.probabilities
    things = _things(corners, weights, decision)
    by_weight = sorted(things, key=lambda thing: -thing.weight)
    first = by_weight[0] if decision.mean_boxes else things[0]
    kept = [thing for thing in by_weight if thing is not first and thing.weight >= decision.min_probability]
    return tuple(thing.candidate(corners, weights, mean=decision.mean_boxes) for thing in (first, *kept))


@dataclass(frozen=True, eq=False)
class _Thing:
    """Pairs that overlap one of them, `members[0]`; indices. weight: their sum."""

    members: NDArray[np.intp]
    weight: float

    def candidate(self, corners: Corners, weights: Floats, *, mean: bool) -> Candidate:
        own = self.members
        box = mean_box(corners[own], weights[own]) if mean else as_box(corners[own[0]])
        return Candidate(box=box, probability=min(1.0, self.weight))


def _things(corners: Corners, weights: Floats, decision: Decision) -> list[_Thing]:
    """In the order of the pairs that lead them; noise may be left out."""
    things: list[_Thing] = []
    free = np.arange(len(corners))
    heaviest = 0.0
    while len(free):
        same = iou_with(corners[free], corners[free[0]]) >= decision.merge_iou
        same[0] = True
        thing = _Thing(free[same], float(weights[free[same]].sum()))
        things.append(thing)
        free = free[~same]
        heaviest = max(heaviest, thing.weight)
        if float(weights[free].sum()) < min(decision.min_probability, heaviest):
            break
    return things


def joint_with_presence(candidates: Sequence[Candidate], presence: float, decision: Decision) -> tuple[Candidate, ...]:
    """Candidates weighted by the probability that a box is opened at all; of the later ones, those above the noise."""
    weighted = [Candidate(box=item.box, probability=min(1.0, item.probability * presence)) for item in candidates]
    return tuple(weighted[:1] + [item for item in weighted[1:] if item.probability >= decision.min_probability])


def apart(items: Iterable[Candidate], known: Sequence[Box] = ()) -> list[Candidate]:
    """Those that lie on none of the `known` boxes and on none before them; the rest are parts or the same again."""
    kept: list[Candidate] = []
    for item in items:
        boxes = [*known, *(other.box for other in kept)]
        if all(item.box.intersection(box) <= MOST_SHARED * min(item.box.area, box.area) for box in boxes):
            kept.append(item)
    return kept


def rivals(candidates: Sequence[Candidate], decision: Decision) -> tuple[Candidate, ...]:
    """The best candidate and all of similar weight that are other things than it."""
    return tuple(apart(item for item in candidates if item.probability >= decision.rival * candidates[0].probability))


def status_of(presence: float, candidates: Sequence[Candidate], decision: Decision, *, several: bool = False) -> Status:
    """Without calibration only `found`, `ambiguous` or `cannot_tell`: a low presence is no proof of absence.

    several: the phrase names more than one thing, so candidates of similar weight are no question.
    """
    if not candidates or presence < decision.min_presence or candidates[0].probability < decision.min_found:
        return "cannot_tell"
    if not several and len(rivals(candidates, decision)) > 1:
        return "ambiguous"
    return "found"
