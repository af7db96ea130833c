"""How many things a phrase names, and its mirror image."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kosmos_sim.expressions.text import plural
from kosmos_sim.lexicon import CATEGORIES, COLOURS

from kosmos_agent.phrases import in_plural, names_several, swap_left_right

PLACES = ("", " left of the boxes", " behind the two cups", " on the plates", " between the bottles", " closest to us")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_noun_decides_whatever_stands_behind_it(category, place):
    colour = COLOURS[len(category) % len(COLOURS)]
    for words in (category, f"{colour} {category}"):
        assert not names_several(f"the {words}{place}")
    assert names_several(f"the {colour} {plural(category)}{place}")
    assert names_several(f"both {plural(category)}{place}")


@pytest.mark.parametrize(
    ("phrase", "several"),
    [
        ("the left cups", True), ("the left cup", False), ("two of the cups", True), ("3 cans", True), ("1 can", False),
        ("all the red things", True), ("the scissors", False), ("the glass", False), ("a cactus", False),
        ("the people in the back", True), ("the cup that is red", False), ("a bowl of apples", False),
        ("red cup", False), ("Cups", True), ("", False), ("!?", False), ("on", False),
    ],
)  # fmt: skip
def test_one_or_several(phrase, several):
    assert names_several(phrase) == several


@given(st.text(max_size=40))
def test_any_text_has_an_answer(text):
    assert names_several(text) in (True, False)
    assert isinstance(in_plural(text), str)


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_plural_is_the_one_that_the_model_learnt_and_stays_one(category):
    assert in_plural(f"the red {category}") == f"the red {plural(category)}"
    assert in_plural(in_plural(category)) == in_plural(category)


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("the cup that is red", "the red cups"), ("a thing which is blue", "blue things"), ("an apple", "apples"),
        ("a cup of tea", "cups of tea"), ("the knife at the back", "the knives at the back"), ("cup", "cups"),
        ("the cups that are red", "the cups that are red"), ("A box", "boxes"), ("a", "as"), (" ", " "),
    ],
)  # fmt: skip
def test_the_noun_is_put_in_the_plural_wherever_it_stands(one, several):
    assert in_plural(one) == several


@given(st.lists(st.sampled_from(["left", "right", "Left", "rightmost", "the", "cup", "of", "bright", ","]), max_size=8))
def test_a_mirror_image_of_a_mirror_image_is_the_phrase(words):
    phrase = " ".join(words)
    assert swap_left_right(swap_left_right(phrase)) == phrase


def test_left_becomes_right_and_nothing_else_changes():
    assert swap_left_right("the leftmost cup right of the bright box") == "the rightmost cup left of the bright box"
    assert swap_left_right("Left cup") == "Right cup"
