"""Guessed tokens: what is guessed, and that no guess ever changes a text."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.inference import generate as writing
from kosmos_agent.inference.drafts import Drafts, looked_up
from kosmos_agent.inference.generate import Decoding, Views, generate
from kosmos_agent.inference.prompt import read

PROMPT = [TOKENIZER.bos_id, TOKENIZER.grounding_id, *TOKENIZER.encode("the red cup")]
CORNERS = [TOKENIZER.location_id(3), TOKENIZER.location_id(40)]


def guess(ids, most=3):
    return Drafts(TOKENIZER).guess(ids, most)


def test_a_phrase_that_closed_opens_a_box():
    assert guess([TOKENIZER.phrase_id, 50, TOKENIZER.phrase_end_id]) == [TOKENIZER.object_id]


def test_a_box_that_is_whole_closes_and_half_a_box_is_not_guessed():
    opened = [TOKENIZER.phrase_end_id, TOKENIZER.object_id]
    assert guess([*opened, *CORNERS]) == [TOKENIZER.object_end_id]
    assert guess([*opened, CORNERS[0]]) == []
    assert guess(opened) == []


def test_words_are_looked_up_behind_the_longest_run_that_stood_before():
    assert looked_up([7, 8, 1, 9, 7, 8, 2, 7, 8]) == 2
    assert looked_up([1, 7, 8, 5, 2, 7, 8, 6, 1, 7, 8]) == 5
    assert looked_up([7, 8, 9]) is None
    assert looked_up([7, 9, 7]) is None
    assert looked_up([7, 7, 7]) == 7
    assert guess([*PROMPT, 7, 8, 9, 10, 7, 8]) == [9, 10, 7]
    assert guess([*PROMPT, 7, 8, 9, 10, 7, 8], most=0) == []


def passes_of(model, decoding, monkeypatch, most, ids=PROMPT, should_stop=None, views=None):
    """What is written, and how often the decoder was asked."""
    monkeypatch.setattr(writing, "MOST", most)
    rows = 1 if views is None else views.count
    prompt = read(model, torch.tensor([ids] * rows), room=decoding.max_new_tokens)
    counted, decode = [], model.decode
    monkeypatch.setattr(model, "decode", lambda *given, **named: counted.append(1) or decode(*given, **named))
    (written,) = generate(model, TOKENIZER, prompt, decoding, should_stop, views)
    monkeypatch.undo()
    return written, len(counted)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 300), st.integers(1, 5), st.booleans())
def test_the_text_is_the_one_without_guesses(seed, most, blocked):
    model = tiny_model(seed, location_gain=4.0)
    decoding = Decoding(max_new_tokens=30, no_repeat_ngram=3 if blocked else 0)
    with pytest.MonkeyPatch.context() as patch:
        plain, one_by_one = passes_of(model, decoding, patch, 0)
        drafted, fewer = passes_of(model, decoding, patch, most)
    assert drafted.ids == plain.ids
    assert drafted.reason == plain.reason
    assert drafted.log_probabilities == pytest.approx(plain.log_probabilities, abs=1e-4)
    assert fewer <= one_by_one


def test_a_model_that_repeats_itself_is_asked_less_often(monkeypatch):
    model = tiny_model(5)
    decoding = Decoding(max_new_tokens=40)
    plain, one_by_one = passes_of(model, decoding, monkeypatch, 0)
    drafted, fewer = passes_of(model, decoding, monkeypatch, 3)
    assert one_by_one == 39
    assert fewer < 30
    assert drafted.ids == plain.ids


@pytest.mark.parametrize("after", range(1, 12))
def test_it_stops_between_tokens_that_were_guessed_together(monkeypatch, after):
    model, decoding = tiny_model(5), Decoding(max_new_tokens=40)
    whole, _ = passes_of(model, decoding, monkeypatch, 3)
    asked = []
    written, _ = passes_of(model, decoding, monkeypatch, 3, should_stop=lambda: len(asked) == after or asked.append(1))
    assert written.reason == "stopped"
    assert written.ids == whole.ids[:after]


def test_the_published_decoding_is_not_guessed(monkeypatch):
    assert passes_of(tiny_model(5), Decoding(max_new_tokens=12, grammar=False), monkeypatch, 3)[1] == 11


def test_what_is_sampled_or_read_in_several_views_is_not_guessed(monkeypatch):
    model = tiny_model(5)
    sampled = Decoding(max_new_tokens=12, temperature=1e-3)
    assert passes_of(model, sampled, monkeypatch, 3)[1] == 11
    views = Views(2, (None, None))
    assert passes_of(model, Decoding(max_new_tokens=12), monkeypatch, 3, views=views)[1] == 11
