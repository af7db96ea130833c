"""Scores of descriptions, captions and answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.evaluation.labelled import LabelledQuestion, LabelledRegion, LabelledThing
from kosmos_agent.evaluation.matching import Counts
from kosmos_agent.evaluation.texts import TextReport, caption_counts, is_answered, is_described
from kosmos_agent.results import Box, Entity, GroundedText

LEFT = Box(x1=0.1, y1=0.1, x2=0.3, y2=0.3)
RIGHT = Box(x1=0.6, y1=0.1, x2=0.8, y2=0.3)
LOW = Box(x1=0.1, y1=0.6, x2=0.3, y2=0.8)
THINGS = (
    LabelledThing(LEFT, "red", "cup", True),
    LabelledThing(RIGHT, "red", "cup", True),
    LabelledThing(LOW, "blue", "box", False),
)


def text(words):
    return GroundedText(text=words, entities=())


def caption(*mentions):
    """(words, boxes) pairs in a row."""
    words, entities = "an image of", []
    for name, *boxes in mentions:
        words += f" {name}"
        entities.append(Entity(text=name, start=len(words) - len(name), end=len(words), boxes=tuple(boxes)))
    return GroundedText(text=words, entities=tuple(entities))


@pytest.mark.parametrize(
    ("mentions", "counts"),
    [
        ((("two red cups", LEFT, RIGHT),), Counts(2, 0, 0)),
        ((("a red cup", RIGHT), ("a red cup", LEFT)), Counts(2, 0, 0)),
        ((("a red cup", LEFT),), Counts(1, 0, 1)),
        ((("a red cup", LEFT), ("a red cup", LEFT)), Counts(1, 1, 1)),
        ((("a blue cup", LEFT), ("a red box", RIGHT)), Counts(0, 2, 2)),
        ((("a red cup", LOW),), Counts(0, 1, 2)),
        ((("two red cups", LEFT, RIGHT), ("a blue box", LOW)), Counts(2, 0, 0)),
        ((("two red cups", LEFT, RIGHT), ("a red box", LOW)), Counts(2, 1, 0)),
        ((("two red cups", LEFT, RIGHT), ("a blue box", LOW), ("a blue box", LOW)), Counts(2, 1, 0)),
        ((), Counts(0, 0, 2)),
    ],
)
def test_caption_counts(mentions, counts):
    assert caption_counts(caption(*mentions), THINGS) == counts


@given(st.permutations([("a red cup", LEFT), ("a red cup", RIGHT), ("a blue box", LOW), ("a can", LOW)]))
def test_the_order_of_a_caption_does_not_matter(mentions):
    assert caption_counts(caption(*mentions), THINGS) == Counts(2, 1, 0)


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("a gray can", True),
        ("a grey can left of the red cup", True),
        ("a red cup left of the gray can", False),
        ("a gray cup", False),
        ("a red can", False),
        ("", False),
    ],
)
def test_a_description_needs_colour_and_category(words, right):
    assert is_described(text(words), LabelledRegion(LEFT, "gray", "can")) == right


@pytest.mark.parametrize(
    ("words", "right"), [("Two", True), ("2", True), ("two cups", False), ("both", True), ("three", False), ("", False)]
)
def test_an_answer_is_right_word_for_word(words, right):
    question = LabelledQuestion("How many cups are there?", "how many", ("two", "both"))
    assert is_answered(text(words), question) == right


def test_a_report_shares_out_what_was_right():
    report = TextReport()
    report.add_description(LabelledRegion(LEFT, "red", "cup"), text("a red cup"))
    report.add_description(LabelledRegion(LEFT, "red", "cup"), text("a red box"))
    report.add_caption(THINGS, caption(("a red cup", LEFT)))
    report.add_caption(THINGS[:1], caption(("a red cup", LEFT)))
    for kind, words in (("is there", "yes"), ("is there", "no"), ("how many", "yes")):
        report.add_answer(LabelledQuestion("Is there a cup?", kind, ("yes",)), text(words))
    assert report.summary() == {
        "describe_accuracy": 0.5,
        "n_described": 2,
        "caption_f1": pytest.approx(4 / 5),
        "n_captions": 2,
        "question_accuracy": pytest.approx(2 / 3),
        "n_questions": 3,
        "question_accuracy_by_kind": {"how many": {"n": 1, "accuracy": 1.0}, "is there": {"n": 2, "accuracy": 0.5}},
    }


def test_what_was_not_asked_has_no_figure():
    summary = TextReport().summary()
    assert summary["describe_accuracy"] is summary["caption_f1"] is summary["question_accuracy"] is None
