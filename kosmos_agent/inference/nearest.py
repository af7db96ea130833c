"""Which of several is the nearest: decided by where they stand, as a model says it right in three of four cases only.

In a flat picture things that are farther back stand higher up, and closer together than they are: heights count for
more than widths, and only what is decisively nearer takes the place of what the model chose. With depth,
`robot.relations` has the last word, in metres. All three numbers were chosen on validation scenes
(docs/training-log.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from kosmos_agent.inference.clauses import ParsedPhrase
from kosmos_agent.inference.close_ups import second_looks
from kosmos_agent.inference.looks import Looks
from kosmos_agent.results import Box, Candidate, Grounding

DEEPER = 1.5
"""What a height in the picture counts against a width."""
DECISIVE = 0.8
"""Of the distance of the model's own choice: what is not nearer than that changes nothing."""
SAME_IOU = 0.5


def with_nearest_first(
    looks: Looks, answer: Grounding, phrase: ParsedPhrase, anchors: Mapping[str, Grounding], rivals: Sequence[Box]
) -> Grounding:
    """The answer, or the same about another thing of the name that stands nearer to the anchor; status and probability
    stay. Only where nearness is all that the phrase claims of place.

    anchors: an answer for each claim's anchor. rivals: `rivals.rivals_of`.
    """
    if not (phrase.claims_nearest and len(phrase.clauses) == 1 and answer.candidates):
        return answer
    anchor = anchors[phrase.clauses[0].anchor]
    nearer = nearer_than(answer.best.box, anchor.best.box, rivals) if anchor.status == "found" else None
    if nearer is None:
        return answer
    known = same_as(nearer, answer.candidates[1:])
    if known is not None:
        nearer = known.box
    elif looks.zoom is not None:
        nearer = second_looks(looks, looks.zoom, [nearer], [phrase.plain_head])[0].box
    return answer.model_copy(update={"candidates": with_best(answer.candidates, nearer)})


def nearer_than(chosen: Box, anchor: Box, rivals: Sequence[Box]) -> Box | None:
    """The nearest of the rivals where it is decisively nearer than `chosen`, or where that is the anchor itself."""
    others = [box for box in rivals if max(box.iou(anchor), box.iou(chosen)) < SAME_IOU]
    if not others:
        return None
    nearest = min(others, key=lambda box: distance(box, anchor))
    lost = chosen.iou(anchor) >= SAME_IOU or distance(nearest, anchor) < DECISIVE * distance(chosen, anchor)
    return nearest if lost else None


def distance(box: Box, other: Box) -> float:
    """Between the middles of the lower edges, in picture widths."""
    return math.hypot(box.centre[0] - other.centre[0], DEEPER * (box.y2 - other.y2))


def same_as(box: Box, candidates: Sequence[Candidate]) -> Candidate | None:
    """The candidate that the box is on; its box, the mean of many pairs, is finer."""
    best = max(candidates, key=lambda item: item.box.iou(box), default=None)
    return best if best is not None and best.box.iou(box) >= SAME_IOU else None


def with_best(candidates: Sequence[Candidate], box: Box) -> tuple[Candidate, ...]:
    """`box` in the first one's place, with its probability, which is that one of the name is meant and there.

    The first one takes the place of the candidate that `box` is on, or leaves where there is none.
    """
    first, *others = candidates
    displaced = same_as(box, others)
    rest = [item for item in others if item is not displaced]
    if displaced is not None:
        rest.append(Candidate(box=first.box, probability=displaced.probability))
    best = Candidate(box=box, probability=first.probability)
    return (best, *sorted(rest, key=lambda item: -item.probability))
