"""Claims about place, checked with depth on ray-cast tables whose truth is known."""

import numpy as np
import pytest
import raycast_scenes as scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.results import Clause
from kosmos_agent.robot.relations import check_in_metres

POSE = scenes.camera_pose(0.0, 0.7, 0.8)
"""On the x axis: what has the smaller x is farther away."""


def claimed(relation, solids, subject=0, anchor=1, state="unsure", rivals=()):
    picture = scenes.render(solids, POSE)
    clause = Clause(
        words=f"{relation} the other",
        relation=relation,
        anchor="the other",
        anchor_box=picture.box(anchor),
        state=state,
        rival_boxes=tuple(picture.box(rival) for rival in rivals),
    )
    answer = scenes.answer(picture.box(subject)).model_copy(update={"clauses": (clause,)})
    return check_in_metres(answer, picture.depth_m, picture.camera, POSE)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.04, 0.12), st.floats(-0.06, 0.06))
def test_what_is_farther_along_the_ground_is_behind(lead_m, aside_m):
    far, near = scenes.can(-lead_m, 0.08 + aside_m / 2, 0.025, 0.06), scenes.can(lead_m, -0.08, 0.025, 0.12)
    for relation, subject, state in (("behind", 0, "holds"), ("behind", 1, "fails"), ("in front of", 1, "holds")):
        checked = claimed(relation, [far, near], subject, 1 - subject)
        assert checked.clauses[0].state == state
        assert checked.clauses[0].geometry == "metres"
        assert checked.status == ("cannot_tell" if state == "fails" else "found")


@pytest.mark.parametrize(("gap_m", "state"), [(0.02, "holds"), (0.2, "fails")])
def test_next_to_is_a_matter_of_free_space(gap_m, state):
    solids = [scenes.can(0, -gap_m / 2 - 0.03, 0.03, 0.08), scenes.can(0, gap_m / 2 + 0.03, 0.03, 0.08)]
    assert claimed("next to", solids).clauses[0].state == state


def test_on_is_over_the_other_and_not_beside_it():
    tray = scenes.block(0.0, 0.0, (0.14, 0.14, 0.03))
    assert claimed("on", [scenes.ball(0.0, 0.0, 0.025, z=0.03), tray]).clauses[0].state == "holds"
    assert claimed("on", [scenes.ball(0.0, 0.16, 0.025), tray]).clauses[0].state == "fails"


@pytest.mark.parametrize(
    ("places_m", "state"), [((0.10, 0.16), "holds"), ((0.16, 0.10), "fails"), ((0.12, 0.125), "unsure")]
)
@pytest.mark.parametrize("rivals", [(2,), (0, 2), (0, 1, 2)])
def test_nearest_is_said_against_what_else_has_the_name(places_m, state, rivals):
    """Boxes of the thing itself and of what it is near to may be among the others."""
    own_m, other_m = places_m
    solids = [scenes.can(0, own_m, 0.02, 0.06), scenes.can(0, 0, 0.03, 0.08), scenes.can(0, -other_m, 0.02, 0.06)]
    (clause,) = claimed("nearest to", solids, rivals=rivals).clauses
    assert (clause.state, clause.geometry) == (state, "metres")


def test_the_only_one_is_the_nearest():
    solids = [scenes.can(0, 0.1, 0.02, 0.06), scenes.can(0, 0, 0.03, 0.08)]
    assert claimed("nearest to", solids, rivals=(0,)).clauses[0].state == "holds"


def test_a_rival_without_depth_may_be_nearer():
    solids = [scenes.can(0, 0.1, 0.02, 0.06), scenes.can(0, 0, 0.03, 0.08), scenes.can(0, -0.16, 0.02, 0.06)]
    picture = scenes.render(solids, POSE)
    x1, y1, x2, y2 = (round(value) for value in picture.box(2).to_pixels(320, 240))
    blind = picture.depth_m.copy()
    blind[y1 - 5 : y2 + 5, x1 - 5 : x2 + 5] = np.nan
    clause = Clause(
        words="nearest to it",
        relation="nearest to",
        anchor="it",
        anchor_box=picture.box(1),
        state="unsure",
        rival_boxes=(picture.box(0), picture.box(2)),
    )
    answer = scenes.answer(picture.box(0)).model_copy(update={"clauses": (clause,)})
    assert check_in_metres(answer, blind, picture.camera, POSE).clauses[0].state == "unsure"


def test_left_and_right_stay_what_the_picture_said():
    solids = [scenes.can(0, -0.1, 0.03, 0.08), scenes.can(0, 0.1, 0.03, 0.08)]
    for state in ("holds", "unsure"):
        (clause,) = claimed("left of", solids, state=state).clauses
        assert (clause.state, clause.geometry) == (state, "picture")


def test_without_depth_on_the_other_thing_the_picture_has_the_last_word():
    picture = scenes.render([scenes.can(-0.08, 0.08, 0.025, 0.06), scenes.can(0.08, -0.08, 0.025, 0.08)], POSE)
    box = picture.box(1)
    clause = Clause(words="behind it", relation="behind", anchor="it", anchor_box=box, state="holds")
    answer = scenes.answer(picture.box(0)).model_copy(update={"clauses": (clause,)})
    x1, y1, x2, y2 = (round(value) for value in box.to_pixels(320, 240))
    blind = picture.depth_m.copy()
    blind[y1 - 5 : y2 + 5, x1 - 5 : x2 + 5] = np.nan
    assert check_in_metres(answer, blind, picture.camera, POSE).clauses == (clause,)


def test_an_answer_without_claims_is_left_alone():
    picture = scenes.render([scenes.can(0, 0, 0.03, 0.08)], POSE)
    answer = scenes.answer(picture.box())
    assert check_in_metres(answer, picture.depth_m, picture.camera, POSE) is answer
