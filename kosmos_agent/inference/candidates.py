"""From scored pairs of corners to separate candidates, and from those to a status (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.scored_pairs import as_box, iou_with, mean_box
from kosmos_agent.results import Candidate, Status


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
    first, *others = _things(scores, side, decision)
    kept = [candidate for candidate in others if candidate.probability >= decision.min_probability]
    return (first, *sorted(kept, key=lambda candidate: -candidate.probability))


def _things(scores: CornerScores, side: int, decision: Decision) -> list[Candidate]:
    """Pairs that overlap one another's first, the one that answers first; noise may be left out."""
    pairs = scores.pairs.by_weight() if decision.mean_boxes else scores.pairs
    corners, weights = pairs.corners(side), pairs.probabilities.copy()
    things: list[Candidate] = []
    free = np.ones(len(pairs), dtype=bool)
    heaviest = 0.0
    while free.any():
        leader = int(free.argmax())
        same = free & (iou_with(corners, corners[leader]) >= decision.merge_iou)
        same[leader] = True
        weight = float(weights[same].sum())
        box = mean_box(corners[same], weights[same]) if decision.mean_boxes else as_box(corners[leader])
        things.append(Candidate(box=box, probability=min(1.0, weight)))
        free &= ~same
        heaviest = max(heaviest, weight)
        if float(weights[free].sum()) < min(decision.min_probability, heaviest):
            break
    return sorted(things, key=lambda thing: -thing.probability) if decision.mean_boxes else things


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
