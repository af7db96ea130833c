"""Claims about place, checked between boxes: symmetry, margins, and agreement with the simulator's geometry."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kosmos_sim.expressions import sample_expressions
from kosmos_sim.stream import scene_records

from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.relations import SAME_THING_IOU, check_claims, claim_features, holds
from kosmos_agent.results import Box, Candidate, Frame, Grounding

MIRRORED = {"holds": "fails", "fails": "holds", "unsure": "unsure"}
BOXES = st.tuples(*[st.floats(0.0, 0.8)] * 2, *[st.floats(0.02, 0.2)] * 2).map(
    lambda v: Box(x1=v[0], y1=v[1], x2=v[0] + v[2], y2=v[1] + v[3])
)


def answer(phrase, box, status="found"):
    candidates = () if box is None else (Candidate(box=box, probability=0.9),)
    frame = Frame(width=224, height=224)
    return Grounding(
        phrase=phrase, status=status, candidates=candidates, presence=0.9, frame=frame, model="m", timings_ms={}
    )


@given(BOXES, BOXES)
def test_opposite_relations_agree_and_swapping_turns_them_round(subject, anchor):
    assume(subject.iou(anchor) < SAME_THING_IOU)
    for one, other in (("left of", "right of"), ("behind", "in front of")):
        assert holds(one, subject, anchor) == holds(other, anchor, subject)
    assert holds("left of", subject, anchor) == MIRRORED[holds("right of", subject, anchor)]
    assert holds("next to", subject, anchor) == holds("next to", anchor, subject)


@given(BOXES)
def test_nothing_is_beside_itself(box):
    for relation in ("left of", "right of", "behind", "in front of", "next to", "nearest to"):
        assert holds(relation, box, box) == "fails"
    assert holds("on", box, box) == "holds"


@given(BOXES, BOXES, st.floats(0.05, 0.3))
def test_moving_away_to_the_left_never_makes_left_less_true(subject, anchor, step):
    order = ["fails", "unsure", "holds"]
    moved = Box(x1=max(0.0, subject.x1 - step), y1=subject.y1, x2=subject.x2 - min(step, subject.x1), y2=subject.y2)
    assume(max(subject.iou(anchor), moved.iou(anchor)) < SAME_THING_IOU)
    assert order.index(holds("left of", moved, anchor)) >= order.index(holds("left of", subject, anchor))


def test_a_claim_that_fails_lowers_found_and_is_listed():
    left, right = Box(x1=0.1, y1=0.4, x2=0.2, y2=0.5), Box(x1=0.7, y1=0.4, x2=0.8, y2=0.5)
    for phrase, status, state in (("left of", "found", "holds"), ("right of", "cannot_tell", "fails")):
        claims = parse(f"the cup {phrase} the box").clauses
        checked = check_claims(answer("p", left), claims, {"the box": answer("the box", right)})
        assert checked.status == status
        assert [(clause.state, clause.anchor_box) for clause in checked.clauses] == [(state, right)]


@pytest.mark.parametrize(
    ("phrase", "features"),
    [
        ("the cup", (0, 0, 0)),
        ("the cup left of the box", (1, 1, 0)),
        ("the cup right of the box", (1, 0, 1)),
        ("the cup left of the box and right of the box", (1, 0, 1)),
        ("the cup nearest to the box", (1, 0, 0)),
        ("the cup left of the vase", (1, 0, 0)),
        ("the cup left of the box and right of the vase", (1, 0, 0)),
    ],
)
def test_what_the_boxes_say_of_all_claims_together(phrase, features):
    """The vase is not seen, so nothing is said of what it is beside."""
    left, right = Box(x1=0.1, y1=0.4, x2=0.2, y2=0.5), Box(x1=0.7, y1=0.4, x2=0.8, y2=0.5)
    found = claim_features(parse(phrase).clauses, left, {"the box": right})
    assert tuple(found[name] for name in ("claims", "claims_hold", "claims_fail")) == features


@pytest.mark.parametrize("anchor", [answer("the box", None, "not_found"), answer("the box", None, "cannot_tell")])
def test_without_an_anchor_nothing_is_claimed_to_fail(anchor):
    claims = parse("the cup right of the box").clauses
    box = Box(x1=0.1, y1=0.4, x2=0.2, y2=0.5)
    checked = check_claims(answer("p", box), claims, {"the box": anchor})
    assert checked.status == "found"
    assert [(clause.state, clause.anchor_box) for clause in checked.clauses] == [("unsure", None)]


def test_true_boxes_of_true_expressions_almost_never_fail():
    """Truth comes from metres and poses, the check from two boxes alone."""
    states = Counter()
    for record in scene_records(31, 60):
        boxes = {
            thing.instance: Box(**dict(zip(("x1", "y1", "x2", "y2"), thing.box, strict=True)))
            for thing in record.objects
        }
        rng = np.random.default_rng(record.index)
        for found in sample_expressions(record.objects, rng, 8, {"relation": 1}, T_table_camera=record.T_table_camera):
            (claim,) = parse(found.text).clauses
            words = [w.replace("grey", "gray") for w in claim.anchor.split() if w not in ("the", "thing", "object")]
            (anchor,) = [t for t in record.objects if all(word in (t.colour, t.category) for word in words)]
            states[holds(claim.relation, boxes[found.referents[0]], boxes[anchor.instance])] += 1
    assert states["holds"] > 300
    assert states["fails"] <= 0.01 * sum(states.values())
