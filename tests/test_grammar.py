"""The grammar of boxes and the n-gram block."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_kosmos import TOKENIZER

from kosmos_agent.inference.grammar import Grammar, exempt_ids, repeated_ngram_ends

GRAMMAR = Grammar(TOKENIZER)
LOCATION = st.integers(0, TOKENIZER.location_count - 1)


def allowed(ids):
    return set(GRAMMAR.allowed(ids).nonzero()[:, 0].tolist())


def test_text_admits_no_location_and_no_end_of_a_box_that_was_never_opened():
    ids = allowed([TOKENIZER.bos_id])
    assert TOKENIZER.object_id in ids
    assert TOKENIZER.eos_id in ids
    assert ids.isdisjoint({TOKENIZER.object_end_id, TOKENIZER.delimiter_id, TOKENIZER.pad_id})
    assert all(TOKENIZER.location_index(token) is None for token in ids)


def test_object_and_delimiter_admit_locations_only():
    locations = {TOKENIZER.location_id(index) for index in range(TOKENIZER.location_count)}
    pair = [TOKENIZER.location_id(3), TOKENIZER.location_id(900)]
    assert allowed([TOKENIZER.object_id]) == locations
    assert allowed([TOKENIZER.object_id, *pair, TOKENIZER.delimiter_id]) == locations


@given(LOCATION, LOCATION)
def test_second_corner_is_never_above_or_left_of_the_first(first, second):
    ids = allowed([TOKENIZER.object_id, TOKENIZER.location_id(first)])
    fits = second // 32 >= first // 32 and second % 32 >= first % 32
    assert (TOKENIZER.location_id(second) in ids) == fits


@given(LOCATION, LOCATION)
def test_a_whole_pair_is_followed_by_another_or_by_the_end(first, second):
    pair = [TOKENIZER.location_id(first), TOKENIZER.location_id(second)]
    ends = {TOKENIZER.delimiter_id, TOKENIZER.object_end_id}
    assert allowed([TOKENIZER.object_id, *pair]) == ends
    assert allowed([TOKENIZER.object_id, *pair, TOKENIZER.delimiter_id, *pair]) == ends


@given(st.lists(LOCATION, min_size=1, max_size=6))
def test_second_corners_of_a_batch_equal_those_one_by_one(firsts):
    batch = GRAMMAR.second_corners(torch.tensor(firsts))
    for row, first in zip(batch, firsts, strict=True):
        assert torch.equal(row, GRAMMAR.second_corners(torch.tensor(first)))


@given(st.lists(st.integers(0, 4), max_size=30), st.integers(1, 4))
def test_blocked_tokens_are_exactly_those_that_would_repeat_an_ngram(ids, size):
    seen = {tuple(ids[start : start + size]) for start in range(len(ids) - size + 1)}
    repeats = {token for token in range(5) if len(ids) >= size - 1 and (*ids[len(ids) - size + 1 :], token) in seen}
    assert repeated_ngram_ends(ids, size) == (repeats if len(ids) >= size else set())


def test_published_block_forbids_the_same_box_twice_and_the_switch_allows_it():
    box = [TOKENIZER.phrase_end_id, TOKENIZER.object_id, TOKENIZER.location_id(44)]
    again = [*box, TOKENIZER.object_end_id, TOKENIZER.phrase_end_id, TOKENIZER.object_id]
    assert repeated_ngram_ends(again, 3) == {TOKENIZER.location_id(44)}
    assert repeated_ngram_ends(again, 3, exempt_ids(TOKENIZER)) == set()


def test_the_switch_still_blocks_words():
    words = TOKENIZER.encode("the red cup the red")
    assert repeated_ngram_ends(words, 3, exempt_ids(TOKENIZER)) == set(TOKENIZER.encode("cup"))
