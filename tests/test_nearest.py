"""The nearest of several things of a name, decided by where they stand."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.nearest import (
    DECISIVE,
    DEEPER,
    distance,
    nearer_than,
    same_as,
    with_best,
    with_nearest_first,
)
from kosmos_agent.results import Box, Candidate, Frame, Grounding

ANCHOR = Box(x1=0.45, y1=0.4, x2=0.55, y2=0.5)


def box(x, y, side=0.1):
    """Its lower edge's middle at x, y."""
    return Box(x1=x - side / 2, y1=y - side, x2=x + side / 2, y2=y)


def candidates(*pairs):
    return tuple(Candidate(box=where, probability=probability) for where, probability in pairs)


places = st.builds(box, st.floats(0.1, 0.9), st.floats(0.2, 0.9))


def test_heights_count_for_more_than_widths():
    assert distance(box(0.5, 0.5), ANCHOR) == pytest.approx(0.0)
    assert distance(box(0.7, 0.5), ANCHOR) == pytest.approx(0.2)
    assert distance(box(0.5, 0.7), ANCHOR) == pytest.approx(0.2 * DEEPER)


def test_only_what_is_decisively_nearer_takes_the_place():
    chosen = box(0.9, 0.5)
    near, hardly = box(0.5 + 0.4 * DECISIVE - 0.01, 0.5), box(0.5 + 0.4 * DECISIVE + 0.01, 0.5)
    assert nearer_than(chosen, ANCHOR, [near, chosen]) == near
    assert nearer_than(chosen, ANCHOR, [hardly, chosen]) is None
    assert nearer_than(chosen, ANCHOR, [box(0.65, 0.5), near]) == box(0.65, 0.5)
    assert nearer_than(chosen, ANCHOR, []) is None


def test_the_anchor_itself_is_never_the_nearest_to_it():
    far = box(0.1, 0.9)
    assert nearer_than(ANCHOR, ANCHOR, [far]) == far
    assert nearer_than(far, ANCHOR, [ANCHOR]) is None


@given(places, places, st.lists(places, max_size=5))
def test_what_takes_the_place_is_a_rival_and_nearer_than_any_other(chosen, anchor, rivals):
    found = nearer_than(chosen, anchor, rivals)
    assert found is None or found in rivals
    if found is not None and chosen.iou(anchor) < 0.5:
        assert distance(found, anchor) < DECISIVE * distance(chosen, anchor)


def test_a_finer_box_of_the_same_thing_is_known():
    others = candidates((box(0.2, 0.5), 0.3), (box(0.71, 0.5), 0.1))
    assert same_as(box(0.7, 0.5), others) == others[1]
    assert same_as(box(0.5, 0.9), others) is None
    assert same_as(box(0.5, 0.9), ()) is None


def test_the_first_and_the_nearest_change_places():
    first, second, third = candidates((box(0.9, 0.5), 0.8), (box(0.2, 0.5), 0.3), (box(0.6, 0.5), 0.1))
    changed = with_best((first, second, third), third.box)
    assert [item.box for item in changed] == [third.box, second.box, first.box]
    assert [item.probability for item in changed] == [0.8, 0.3, 0.1]


def test_a_thing_that_was_no_candidate_takes_the_place_of_the_first():
    first, second = candidates((box(0.9, 0.5), 0.8), (box(0.2, 0.5), 0.3))
    changed = with_best((first, second), box(0.6, 0.5))
    assert [(item.box, item.probability) for item in changed] == [(box(0.6, 0.5), 0.8), (second.box, 0.3)]


LOOKS = SimpleNamespace(zoom=None)
NEAR, FAR = box(0.6, 0.5), box(0.9, 0.8)


def answer(phrase, status, *pairs):
    frame = Frame(width=640, height=480, stamp_ns=None, frame_id="camera")
    return Grounding(
        phrase=phrase,
        status=status,
        candidates=candidates(*pairs),
        presence=0.95,
        probability_kind="calibrated",
        question=None,
        frame=frame,
        model="tabletop",
        timings_ms={},
    )


def boxes_of(phrase, anchor_status="found", rivals=(NEAR, FAR)):
    found = answer(phrase, "found", (FAR, 0.8))
    anchors = {"the plate": answer("the plate", anchor_status, (ANCHOR, 0.9))}
    meant = with_nearest_first(LOOKS, found, parse(phrase), anchors, rivals)
    assert (meant.status, meant.presence) == ("found", 0.95)
    return [item.box for item in meant.candidates]


def test_the_answer_is_about_the_nearest():
    assert boxes_of("the cup nearest to the plate") == [NEAR]
    assert boxes_of("the cup closest to the plate") == [NEAR]


def test_it_stays_where_nearness_is_not_claimed_or_the_anchor_is_not_found():
    assert boxes_of("the cup left of the plate") == [FAR]
    assert boxes_of("the cup nearest to the plate", anchor_status="cannot_tell") == [FAR]
    assert boxes_of("the cup nearest to the plate", rivals=()) == [FAR]
