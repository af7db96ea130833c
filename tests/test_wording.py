"""Words compared as people would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kosmos_sim.expressions.text import plural, with_article
from kosmos_sim.lexicon import CATEGORIES, COLOURS, NUMBERS

from kosmos_agent.evaluation.wording import head, normalised, says

HEADS = st.tuples(st.sampled_from(COLOURS), st.sampled_from(CATEGORIES))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Red cup.", ("red", "cup")),
        ("the grey box", ("gray", "box")),
        (" 2", ("two",)),
        ("12 cups", ("twelve", "cups")),
        ("13", ("13",)),
        ("Yes!", ("yes",)),
        ("...", ()),
    ],
)
def test_case_articles_and_spelling_do_not_matter(text, words):
    assert normalised(text) == words


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(text):
    assert normalised(" ".join(normalised(text))) == normalised(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("two small red cups on the plate", ("red", "cups")),
        ("the box", ("box",)),
        ("a cup that is red", ("cup",)),
        ("left of the box", ()),
        ("an orange apple in front of the can", ("orange", "apple")),
    ],
)
def test_the_head_ends_where_the_place_begins(text, words):
    assert head(text) == words


@given(HEADS, HEADS, st.sampled_from(["left of", "right of", "behind", "in", "on top of", "next to", "nearest to"]))
def test_a_description_says_its_head_and_not_what_it_leans_on(first, second, place):
    text = f"{with_article(' '.join(first))} {place} the {' '.join(second)}"
    assert says(text, *first)
    assert says(text, *second) == (first == second)
    assert not says(first[0], *first)
    assert not says(first[1], *first)


@given(HEADS, st.sampled_from(NUMBERS[2:]))
def test_every_plural_of_the_lexicon_is_understood(thing, number):
    colour, category = thing
    assert says(f"{number} {colour} {plural(category)}", colour, category)
    assert says(f"the {colour} {plural(category)}", colour, category)


def test_no_category_is_read_as_another():
    words = {form: category for category in CATEGORIES for form in (category, plural(category))}
    for form, category in words.items():
        assert [other for other in CATEGORIES if says(f"red {form}", "red", other)] == [category]


def test_a_longer_name_is_another_thing():
    assert not says("a red cup holder", "red", "cup")
    assert not says("a dark red cup", "red", "cup")
    assert says("the white salt shakers", "white", "salt shaker")
    assert not says("", "red", "cup")
