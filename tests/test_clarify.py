"""The question that tells candidates apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.clarify import CLEAR, clarifying_question
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.results import Box

PLACE = st.floats(0.0, 0.89)


@st.composite
def boxes(draw):
    x, y = draw(PLACE), draw(PLACE)
    return Box(x1=x, y1=y, x2=x + draw(st.floats(0.02, 0.1)), y2=y + draw(st.floats(0.02, 0.1)))


def at(x, y, side=0.1):
    return Box(x1=x - side / 2, y1=y - side / 2, x2=x + side / 2, y2=y + side / 2)


def ask(*found):
    return clarifying_question("the cup", found)


@given(st.lists(boxes(), min_size=2, max_size=6), st.randoms())
def test_the_order_of_the_candidates_does_not_matter(found, rng):
    shuffled = list(found)
    rng.shuffle(shuffled)
    assert ask(*found) == ask(*shuffled)


@given(st.lists(boxes(), min_size=2, max_size=6))
def test_it_is_one_question_about_the_phrase(found):
    question = ask(*found)
    assert question.startswith('Which one is "the cup": ')
    assert question.endswith("?")
    assert question.count("?") == 1


@given(boxes(), boxes())
def test_left_and_right_whenever_they_are_clear(one, other):
    clear = abs(one.centre[0] - other.centre[0]) >= CLEAR
    assert ("the left one or the right one" in ask(one, other)) == clear


@given(boxes(), boxes())
def test_the_mirror_image_asks_the_same_of_two(one, other):
    mirrored = [Box(x1=1 - box.x2, y1=box.y1, x2=1 - box.x1, y2=box.y2) for box in (one, other)]
    gap = abs(one.centre[0] - other.centre[0])
    if abs(gap - CLEAR) > 1e-9:
        assert ask(*mirrored) == ask(one, other)


@given(st.lists(boxes(), min_size=3, max_size=6))
def test_three_and_more_are_numbered_to_the_last(found):
    assert f"or {len(found)}, counted from" in ask(*found)


def test_each_way_of_telling_apart():
    assert "left one" in ask(at(0.3, 0.5), at(0.6, 0.9))
    assert "in front" in ask(at(0.5, 0.3), at(0.5, 0.7))
    assert "larger" in ask(at(0.5, 0.5, 0.1), at(0.5, 0.5, 0.3))
    assert "number 1 or number 2" in ask(at(0.5, 0.5), at(0.51, 0.5))
    assert ask(at(0.2, 0.5), at(0.5, 0.5), at(0.8, 0.5)).endswith("number 1, 2 or 3, counted from left to right?")
    assert "from front to back" in ask(at(0.5, 0.2), at(0.5, 0.5), at(0.5, 0.8))


@pytest.mark.parametrize("count", [0, 1])
def test_one_candidate_is_no_question(count):
    with pytest.raises(InvalidArgumentError, match="2 or more"):
        ask(*[at(0.5, 0.5)] * count)
