"""What a phrase claims about place, against the simulation's own expressions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.inference.clauses import MAX_CLAUSES, WORDINGS, ClaimedPlace, parse

NOUNS = st.sampled_from(["the red cup", "a spoon", "the blue box", "the thing", "the big mug"])


@given(NOUNS, st.sampled_from(sorted(WORDINGS)), NOUNS)
def test_head_wording_and_anchor_come_apart(head, wording, anchor):
    parsed = parse(f"{head} {wording} {anchor}")
    assert parsed.head == head
    assert parsed.clauses == (ClaimedPlace(f"{wording} {anchor}", WORDINGS[wording], anchor),)


@pytest.mark.parametrize(
    "phrase",
    ["the red cup", "the cup on the left", "the second cup from the right", "the nearest cup",
     "the thing in the middle",
     "cup", "", "   ", "the closest red thing", "the box in the background"],
)  # fmt: skip
def test_phrases_without_another_thing_claim_nothing(phrase):
    assert parse(phrase).clauses == ()
    assert parse(phrase).head == " ".join(phrase.split())


@pytest.mark.parametrize(
    ("phrase", "plain"),
    [("the leftmost red cup", "the red cup"), ("the second cup from the left", "the cup"), ("cup on the right", "cup"),
     ("the smallest thing in the middle", "the thing"), ("the big spoon behind the box", "the spoon"),
     ("the nearest", "the thing"), ("the cup to the left", "the cup"), ("the left cup", "the cup"),
     ("the cup in front", "the cup"), ("the cup at the front", "the cup"), ("the cup on the left side", "the cup"),
     ("the third cup from left", "the cup"), ("the closest cup to the plate", "the cup"), ("cup on left", "cup"),
     ("the cup farthest from the box", "the cup"), ("the cup on the left.", "the cup"),
     ("the cup left of it", "the cup"),
     ("the red cup, left of the box", "the red cup"), ("the cup that is red", "the cup that is red"),
     ("the cup that is leftmost", "the cup"), ("the red cup that is behind", "the red cup"),
     ("a man in blue", "a man in blue"), ("a cup of tea", "a cup of tea"),
     ("the box with a lid", "the box with a lid"), ("the red cup left of the blue box", "the red cup")],
)  # fmt: skip
def test_the_plain_head_compares_with_nothing(phrase, plain):
    assert parse(phrase).plain_head == plain


@pytest.mark.parametrize(
    ("phrase", "clauses"),
    [("red cup left of blue box", ["left of blue box"]), ("the cup behind box", ["behind box"]),
     ("cup next to plate and behind red jar", ["next to plate", "behind red jar"]), ("the cup closest to us", []),
     ("the cup in front of it", []), ("a man in blue", []), ("the lid on top", []), ("the cup behind", []),
     ("The cup Left Of the Box!", ["Left Of the Box"]), ("the red cup, left of the box", ["left of the box"])],
)  # fmt: skip
def test_a_thing_to_lean_on_needs_no_article_behind_words_that_lean_on_one(phrase, clauses):
    assert [clause.words for clause in parse(phrase).clauses] == clauses


def test_and_gives_the_head_a_second_clause_and_without_it_the_anchor_is_longer():
    both = parse("the cup left of the box and behind the blue plate")
    assert [clause.anchor for clause in both.clauses] == ["the box", "the blue plate"]
    assert [clause.relation for clause in both.clauses] == ["left of", "behind"]
    nested = parse("the cup left of the box on the plate")
    assert [clause.anchor for clause in nested.clauses] == ["the box on the plate"]


def test_clauses_are_bounded_and_words_are_not_lost():
    phrase = "the cup" + " and".join(" left of the box" for _ in range(10))
    clauses = parse(phrase).clauses
    assert len(clauses) == MAX_CLAUSES
    assert clauses[-1].anchor.count("box") == 10 - MAX_CLAUSES + 1


@given(st.text(max_size=256))
def test_any_text_is_parsed(text):
    parsed = parse(text)
    assert len(parsed.clauses) <= MAX_CLAUSES
    assert parsed.plain_head or not text.split()
