"""From evidence to a status, with a calibration and without."""

import pytest
from calibrations import calibration
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.calibration import logit
from kosmos_agent.inference.answer import AnswerRules, relative_to_best
from kosmos_agent.inference.candidates import Decision
from kosmos_agent.inference.evidence import Evidence
from kosmos_agent.results import Box, Candidate, Frame

FRAME = Frame(width=64, height=48)
SHARE = st.floats(0.03, 1.0)


def evidence(presence, *weights):
    candidates = tuple(
        Candidate(box=Box(x1=0.1 * k, y1=0.1, x2=0.1 * k + 0.1, y2=0.2), probability=weight)
        for k, weight in enumerate(weights)
    )
    features = {"object_log_odds": logit(presence), "location_log_odds": logit(weights[0])}
    return Evidence(presence, candidates, features)


def answer(item, made=None, phrase="the cup"):
    return AnswerRules(Decision(), made).answer(phrase, item, frame=FRAME, model="by hand", timings_ms={})


@pytest.mark.parametrize(
    ("presence", "weights", "status"),
    [
        (0.9, (0.8,), "found"),
        (0.9, (0.8, 0.1), "found"),
        (0.9, (0.5, 0.4), "ambiguous"),
        (0.9, (0.4,), "cannot_tell"),
        (0.5, (0.9,), "cannot_tell"),
        (0.5, (0.5, 0.5), "cannot_tell"),
        (0.1, (0.9,), "not_found"),
        (0.1, (0.5, 0.5), "not_found"),
    ],
)
def test_with_a_calibration_all_four_can_be_said(presence, weights, status):
    found = answer(evidence(presence, *weights), calibration())
    assert found.status == status
    assert found.probability_kind == "calibrated"
    assert found.presence == pytest.approx(presence)
    assert found.best.probability == pytest.approx(weights[0])


@given(st.floats(0, 1), st.lists(SHARE, min_size=1, max_size=4), st.sampled_from(["the cup", "the cups"]))
def test_without_one_nothing_is_said_to_be_absent(presence, weights, phrase):
    found = answer(evidence(presence, *weights), phrase=phrase)
    assert found.status in ("found", "ambiguous", "cannot_tell")
    assert found.probability_kind == "joint"
    assert found.presence == presence
    assert found.best.probability == pytest.approx(weights[0] * presence)


@given(
    st.floats(0, 1),
    st.lists(SHARE, min_size=1, max_size=4),
    st.sampled_from(["the cup", "the cups"]),
    st.sampled_from([None, calibration()]),
)
def test_a_question_is_asked_exactly_when_it_is_ambiguous(presence, weights, phrase, made):
    found = answer(evidence(presence, *weights), made, phrase)
    assert (found.question is not None) == (found.status == "ambiguous")
    assert phrase == "the cup" or found.status != "ambiguous"


@pytest.mark.parametrize("made", [None, calibration()])
def test_only_rivals_are_offered_to_choose_from(made):
    found = answer(evidence(0.9, 0.4, 0.35, 0.05), made)
    assert len(found.candidates) == 2
    assert found.question == 'Which one is "the cup": the left one or the right one?'


@given(st.floats(0, 1), st.floats(0, 1), SHARE)
def test_more_presence_never_takes_a_thing_away(one, other, weight):
    order = ["not_found", "cannot_tell", "found"]
    low, high = (answer(evidence(presence, weight), calibration()).status for presence in sorted((one, other)))
    assert order.index(low) <= order.index(high)


@given(st.lists(SHARE, min_size=1, max_size=5), st.floats(0, 1))
def test_the_others_stand_in_proportion_and_never_above_the_best(weights, correct):
    item = evidence(0.9, *weights)
    found = relative_to_best(item.candidates, correct)
    assert [candidate.box for candidate in found] == [candidate.box for candidate in item.candidates]
    assert found[0].probability == pytest.approx(correct)
    for candidate, weight in zip(found, weights, strict=True):
        assert candidate.probability == pytest.approx(correct * min(1.0, weight / weights[0]))
