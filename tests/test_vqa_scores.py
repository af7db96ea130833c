"""VQA's rules for equal answers, one case for each, and its accuracy counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.evaluation.scores.texts import TextRecord
from kosmos_agent.evaluation.scores.vqa import answer_accuracy, vqa_figures
from kosmos_agent.evaluation.scores.vqa_words import normalised_answer, without_punctuation

RULES = [
    ("Yes", "yes"),
    ("two", "2"),
    ("None", "0"),
    ("TEN", "10"),
    ("eleven", "eleven"),
    ("the red cup", "red cup"),
    ("a cup and an apple", "cup and apple"),
    ("dont", "don't"),
    ("couldntve", "couldn't've"),
    ("wouldn'tve", "wouldn't've"),
    ("yall'll", "y'all'll"),
    ("girl's", "girl's"),
    ("2:50 pm", "2:50 pm"),
    ("3.5", "3.5"),
    ("Mr. Smith.", "mr smith"),
    ("100,978", "100978"),
    ("red, blue", "red blue"),
    ("red,blue", "red blue"),
    ("black/white", "black white"),
    ("black / white", "black white"),
    ("t-shirt", "t shirt"),
    ("what?", "what"),
    ("1,000 t-shirts", "1000 tshirts"),
    (" red\ncup\t", "red cup"),
    ("yes!", "yes"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), RULES)
def test_each_rule(text, expected):
    assert normalised_answer(text) == expected


@given(st.text(alphabet="aAthenowZ019 .,:;-'?!/", max_size=24))
def test_no_article_number_word_or_capital_is_left(text):
    words = normalised_answer(text).split()
    assert not {"a", "an", "the", "one", "two", "ten"} & set(words)
    assert not [word for word in words if word != word.lower() or set(word) & set(";-?!/")]


def test_people_are_only_stripped_of_punctuation():
    assert without_punctuation("The t-shirt.") == "The t shirt"


@pytest.mark.parametrize(("same", "accuracy"), [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)])
def test_accuracy_is_the_mean_over_nine_of_the_ten(same, accuracy):
    """With one who agrees, nine of the ten rounds see that one (a third each) and the tenth none: 0.3."""
    answers = ["red"] * same + [f"other {k}" for k in range(10 - same)]
    assert answer_accuracy("red", answers) == pytest.approx(accuracy)


def test_ten_equal_answers_are_compared_as_they_are():
    assert answer_accuracy("t-shirt", ["t-shirt"] * 10) == 0.0
    assert answer_accuracy("t-shirt", ["t-shirt"] * 9 + ["shirt"]) == pytest.approx(1.0)


def record(text, answers, kinds=()):
    return TextRecord("1", "a.jpg", 8, 8, "What?", text, tuple(answers), kinds)


def test_figures_by_kind_and_questions_without_answers():
    records = [
        record("two", ["2"] * 10, ("answer: number", "question: how many")),
        record("red", ["blue"] * 10, ("answer: other",)),
        record("yes", []),
    ]
    figures = vqa_figures(records)
    assert (figures["n"], figures["n_unanswered"], figures["accuracy"]) == (2, 1, 0.5)
    assert figures["by_kind"]["answer: number"] == {"n": 1, "accuracy": 1.0}
    assert vqa_figures([record("yes", [])])["accuracy"] is None
