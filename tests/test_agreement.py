"""What is said of two ways of computing the same model."""

import pytest

from kosmos_agent.evaluation.agreement import Agreement
from kosmos_agent.results import Box, Candidate, Frame, GroundedText, Grounding

CUP, BOX = Box(x1=0.1, y1=0.1, x2=0.4, y2=0.4), Box(x1=0.6, y1=0.6, x2=0.9, y2=0.9)


def answer(box, status="found", probability=0.9, presence=0.99):
    return Grounding(
        phrase="the cup",
        status=status,
        candidates=(Candidate(box=box, probability=probability),),
        presence=presence,
        frame=Frame(width=64, height=48),
        model="tiny",
        timings_ms={},
    )


def text(words):
    return GroundedText(text=words, entities=())


def test_equal_answers_agree_in_everything():
    agreement = Agreement()
    agreement.add(answer(CUP), answer(CUP), [CUP])
    agreement.add_texts(text("a cup"), text("a cup"))
    summary = agreement.summary()
    assert (summary["same_status"], summary["same_box"], summary["same_text"]) == (1.0, 1.0, 1.0)
    assert summary["max_probability_difference"] == summary["max_presence_difference"] == 0.0
    assert (summary["accuracy_reference"], summary["accuracy"]) == (1.0, 1.0)
    assert not agreement.changed_status


def test_what_changed_is_counted_and_named():
    agreement = Agreement()
    agreement.add(answer(CUP), answer(CUP), [CUP])
    agreement.add(answer(CUP), answer(BOX, "cannot_tell", 0.4, 0.59), [CUP])
    agreement.add_texts(text("a cup"), text("a mug"))
    summary = agreement.summary()
    assert (summary["same_status"], summary["same_box"], summary["same_text"]) == (0.5, 0.5, 0.0)
    assert summary["max_probability_difference"] == pytest.approx(0.5)
    assert summary["mean_presence_difference"] == pytest.approx(0.2)
    assert (summary["accuracy_reference"], summary["accuracy"]) == (1.0, 0.5)
    (changed,) = agreement.changed_status
    assert changed.statuses == ("found", "cannot_tell")


def test_an_absent_thing_has_no_part_in_accuracy():
    agreement = Agreement()
    agreement.add(answer(CUP, "not_found"), answer(BOX, "not_found"), [])
    summary = agreement.summary()
    assert (summary["phrases"], summary["accuracy_reference"], summary["accuracy"]) == (1, None, None)
    assert Agreement().summary() == {"phrases": 0, "texts": 0, "same_text": None}
