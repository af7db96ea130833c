"""Whether a claimed place holds between two boxes: yes, no, or too close to say (pure).

Between "holds" and "fails" lies a gap, as people would quarrel there. Depth makes `behind` and `in front of` certain
(`robot.relations`); in the picture alone they are read off where things stand: of two on one table, the one whose
lower edge is higher up is farther.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kosmos_agent.calibration import Feature
from kosmos_agent.inference.clauses import ClaimedPlace
from kosmos_agent.results import Box, Clause, ClauseState, Grounding, Relation, with_clauses

BESIDE = 0.015
"""Left and right: offset of the middles, in picture widths, that is beyond dispute."""
BEHIND = 0.02
"""Behind and in front: offset of the lower edges, in picture heights."""
NEAR, FAR = 1.0, 3.0
"""Next to: gap between the boxes over the mean of their sides."""
ON_SHARE = 0.2
"""On: how far, in its own heights, the lower edge may stay above the other's top."""

SAME_THING_IOU = 0.6
"""Boxes that overlap so much are on one thing, which is nowhere beside itself; what stands on another may hide it."""

_Judge = Callable[[Box, Box], ClauseState]


def check_claims(
    answer: Grounding,
    claims: Sequence[ClaimedPlace],
    anchors: Mapping[str, Grounding],
    rival_boxes: tuple[Box, ...] = (),
) -> Grounding:
    """The answer with every claim checked for its best candidate.

    anchors: an answer for each claim's anchor. rival_boxes: `Clause.rival_boxes`, for those who measure distances.
    """
    if not claims or not answer.candidates:
        return answer
    clauses = tuple(_checked(claim, answer.best.box, anchors[claim.anchor], rival_boxes) for claim in claims)
    return with_clauses(answer, clauses)


def _checked(claim: ClaimedPlace, subject: Box, anchor: Grounding, rival_boxes: tuple[Box, ...]) -> Clause:
    box = anchor.best.box if anchor.status == "found" else None
    return Clause(
        words=claim.words,
        relation=claim.relation,
        anchor=claim.anchor,
        anchor_box=box,
        state="unsure" if box is None else holds(claim.relation, subject, box),
        rival_boxes=rival_boxes if claim.relation == "nearest to" else (),
    )


def claim_features(claims: Sequence[ClaimedPlace], subject: Box, seen: Mapping[str, Box]) -> dict[Feature, float]:
    """Do the boxes bear out what a phrase says of place? seen: boxes of the anchors that the model sees at all."""
    boxes = [seen.get(claim.anchor) for claim in claims]
    states = [
        "unsure" if box is None else holds(claim.relation, subject, box)
        for claim, box in zip(claims, boxes, strict=True)
    ]
    return {
        "claims": float(bool(states)),
        "claims_hold": float(bool(states) and all(state == "holds" for state in states)),
        "claims_fail": float("fails" in states),
    }


def holds(relation: Relation, subject: Box, anchor: Box) -> ClauseState:
    """Whether `subject` is `relation` of `anchor`. Of the nearest, two boxes prove nothing: `nearest` compares all."""
    if relation != "on" and subject.iou(anchor) >= SAME_THING_IOU:
        return "fails"
    return _JUDGES[relation](subject, anchor)


def _offset(value: float, margin: float) -> ClauseState:
    if value >= margin:
        return "holds"
    return "fails" if value <= -margin else "unsure"


def _left_of(subject: Box, anchor: Box) -> ClauseState:
    return _offset(anchor.centre[0] - subject.centre[0], BESIDE)


def _behind(subject: Box, anchor: Box) -> ClauseState:
    """A thing on the other has its lower edge above the other's too, so boxes that overlap much prove nothing."""
    state = _offset(anchor.y2 - subject.y2, BEHIND)
    overlaps = _share_inside(subject, anchor) > 0.5 or _share_inside(anchor, subject) > 0.5
    return "unsure" if overlaps else state


def _next_to(subject: Box, anchor: Box) -> ClauseState:
    across = max(subject.x1, anchor.x1) - min(subject.x2, anchor.x2)
    down = max(subject.y1, anchor.y1) - min(subject.y2, anchor.y2)
    gap = max(across, down, 0.0) / ((subject.side + anchor.side) / 2)
    if gap <= NEAR:
        return "holds"
    return "fails" if gap >= FAR else "unsure"


def _on(subject: Box, anchor: Box) -> ClauseState:
    middle, height = subject.centre[0], subject.y2 - subject.y1
    over = anchor.x1 <= middle <= anchor.x2
    touches = anchor.y1 - ON_SHARE * height <= subject.y2 <= anchor.y2 + ON_SHARE * height
    if over and touches:
        return "holds"
    return "fails" if subject.iou(anchor) == 0.0 else "unsure"


def _share_inside(inner: Box, outer: Box) -> float:
    return inner.intersection(outer) / inner.area


_JUDGES: dict[Relation, _Judge] = {
    "left of": _left_of,
    "right of": lambda subject, anchor: _left_of(anchor, subject),
    "behind": _behind,
    "in front of": lambda subject, anchor: _behind(anchor, subject),
    "next to": _next_to,
    "on": _on,
    "nearest to": lambda subject, anchor: "unsure",
}
