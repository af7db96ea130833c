"""Writing: greedy and sampled, log-probabilities, stopping, batches with pads."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.inference.generate import Decoding, Views, generate
from kosmos_agent.inference.prompt import read

PROMPT = [TOKENIZER.bos_id, TOKENIZER.grounding_id, *TOKENIZER.encode("the red cup")]


def write(model, decoding, ids=PROMPT, should_stop=None):
    prompt = read(model, torch.tensor([ids]), room=decoding.max_new_tokens)
    return generate(model, TOKENIZER, prompt, decoding, should_stop)[0]


def test_log_probabilities_are_the_models_own():
    model = tiny_model(1)
    written = write(model, Decoding(max_new_tokens=8))
    ids = torch.tensor([PROMPT + written.ids])
    log_p = model(ids).log_softmax(-1)[0, len(PROMPT) - 1 : -1]
    expected = log_p[range(len(written.ids)), written.ids]
    assert torch.allclose(torch.tensor(written.log_probabilities), expected, atol=1e-4)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 200))
def test_every_box_written_under_the_grammar_is_whole_and_upright(seed):
    model = tiny_model(seed, location_gain=4.0)
    ids = write(model, Decoding(max_new_tokens=40, temperature=1.5, seed=seed), [*PROMPT, TOKENIZER.object_id]).ids
    assert TOKENIZER.location_index(ids[0]) is not None
    opened = True
    place = 0
    for token, following in zip(ids, [*ids[1:], None], strict=True):
        index = TOKENIZER.location_index(token)
        if not opened:
            assert index is None
        elif index is not None and place == 0 and following is not None:
            second = TOKENIZER.location_index(following)
            assert second is not None
            assert second // 32 >= index // 32
            assert second % 32 >= index % 32
        place = 1 - place if index is not None else 0
        opened = token == TOKENIZER.object_id or (opened and token != TOKENIZER.object_end_id)


def test_stop_callback_is_asked_before_every_token():
    asked = []
    written = write(tiny_model(2), Decoding(max_new_tokens=20), should_stop=lambda: len(asked) == 3 or asked.append(1))
    assert written.reason == "stopped"
    assert len(written.ids) == 3


def test_same_seed_same_sample_and_other_seeds_differ():
    model = tiny_model(3)
    samples = [write(model, Decoding(max_new_tokens=12, temperature=1.0, seed=seed)).ids for seed in (7, 7, 8, 9)]
    assert samples[0] == samples[1]
    assert len({tuple(sample) for sample in samples}) == 3


def test_top_p_near_zero_is_greedy():
    model = tiny_model(4)
    greedy = write(model, Decoding(max_new_tokens=10)).ids
    assert write(model, Decoding(max_new_tokens=10, temperature=1.0, top_p=1e-6)).ids == greedy


def test_blocked_ngrams_do_not_repeat():
    model = tiny_model(5)
    free = write(model, Decoding(max_new_tokens=40, grammar=False)).ids
    blocked = PROMPT + write(model, Decoding(max_new_tokens=40, no_repeat_ngram=3, exempt_tags=False)).ids
    trigrams = [tuple(blocked[k : k + 3]) for k in range(len(blocked) - 2)]
    assert len(trigrams) == len(set(trigrams))
    assert len(set(zip(free, free[1:], free[2:], strict=False))) < len(free) - 2, "the model must repeat when it may"


def test_where_the_block_leaves_nothing_it_is_lifted_for_that_step():
    """Behind a pair come only the delimiter and the end; both would repeat a pair of tokens here."""
    pair = [TOKENIZER.location_id(3), TOKENIZER.location_id(40)]
    seen = [*pair, TOKENIZER.delimiter_id, *pair, TOKENIZER.object_end_id]
    prompt = [*PROMPT, TOKENIZER.object_id, *seen, TOKENIZER.object_id, *pair]
    for temperature in (0.0, 1.0):
        decoding = Decoding(max_new_tokens=1, temperature=temperature, no_repeat_ngram=2, exempt_tags=False)
        written = write(tiny_model(5), decoding, prompt)
        assert written.ids[0] in (TOKENIZER.delimiter_id, TOKENIZER.object_end_id)
        assert all(math.isfinite(value) for value in written.log_probabilities)


def test_rows_that_end_early_leave_the_others_as_they_were():
    model = tiny_model(6)
    short, long = PROMPT[:3], PROMPT
    ids = torch.tensor([[TOKENIZER.pad_id] * (len(long) - len(short)) + short, long])
    mask = (ids != TOKENIZER.pad_id).long()
    decoding = Decoding(max_new_tokens=12)
    together = generate(model, TOKENIZER, read(model, ids, attention_mask=mask, room=12), decoding)
    assert together[0].ids == write(model, decoding, short).ids
    assert together[1].ids == write(model, decoding, long).ids


def test_a_prompt_can_be_continued_more_than_once():
    model = tiny_model(7)
    shared = read(model, torch.tensor([PROMPT]))
    tails = [TOKENIZER.encode("left of"), TOKENIZER.encode("the blue box")]
    for tail in (*tails, *tails):
        split = read(model, torch.tensor([tail]), after=shared, room=6)
        whole = read(model, torch.tensor([PROMPT + tail]), room=6)
        assert torch.allclose(split.hidden, whole.hidden, atol=1e-4)
        a, b = (generate(model, TOKENIZER, prompt, Decoding(max_new_tokens=6))[0] for prompt in (split, whole))
        assert a.ids == b.ids


@pytest.mark.parametrize("mask", [[1, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0]])
def test_pads_behind_tokens_are_refused(mask):
    with pytest.raises(InvalidArgumentError, match="valid: pads on the left"):
        read(tiny_model(1), torch.tensor([PROMPT[:3]] * 2), attention_mask=torch.tensor([[1, 1, 1], mask]))


def test_one_prompt_is_continued_by_rows_of_different_lengths():
    model = tiny_model(7)
    shared = read(model, torch.tensor([PROMPT]))
    tails = [list(TOKENIZER.encode("left")), list(TOKENIZER.encode("the blue box of it"))]
    longest = max(map(len, tails))
    ids = torch.tensor([[0] * (longest - len(tail)) + tail for tail in tails])
    mask = torch.tensor([[0] * (longest - len(tail)) + [1] * len(tail) for tail in tails])
    together = generate(
        model, TOKENIZER, read(model, ids, attention_mask=mask, after=shared, room=8), Decoding(max_new_tokens=8)
    )
    for tail, written in zip(tails, together, strict=True):
        assert written.ids == write(model, Decoding(max_new_tokens=8), PROMPT + tail).ids


def test_rows_behind_another_number_of_rows_are_refused():
    model = tiny_model(1)
    shared = read(model, torch.tensor([PROMPT] * 2))
    with pytest.raises(InvalidArgumentError, match="3 rows behind 2; valid"):
        read(model, torch.tensor([[5]] * 3), after=shared)


def test_a_picture_without_its_slots_is_refused():
    model = tiny_model(1)
    ids = torch.tensor([[TOKENIZER.bos_id, 4, 5, 6, 7]])
    slots = torch.tensor([[0, 1, 1, 1, 1]])
    pixels = torch.zeros(1, 3, 28, 28)
    with pytest.raises(InvalidArgumentError, match="pixels or image_embeds without image_mask"):
        model(ids, pixels=pixels)
    with pytest.raises(InvalidArgumentError, match="without image_mask"):
        read(model, ids, image_embeds=model.encode_image(pixels))
    with pytest.raises(InvalidArgumentError, match="image_mask without picture"):
        model(ids, image_mask=slots)
    assert not torch.equal(model(ids, pixels=pixels, image_mask=slots), model(ids))


@pytest.mark.parametrize("bad", [{"max_new_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"no_repeat_ngram": -1}])
def test_settings_outside_their_range_are_refused(bad):
    with pytest.raises(InvalidArgumentError):
        Decoding(**bad)


def test_equal_views_write_what_one_writes():
    model, decoding = tiny_model(4), Decoding(max_new_tokens=10)
    alone = write(model, decoding)
    prompt = read(model, torch.tensor([PROMPT] * 4), room=10)
    together = generate(model, TOKENIZER, prompt, decoding, views=Views(2, (None, None)))
    assert [row.ids for row in together] == [alone.ids] * 2
    assert together[0].log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-4)


def test_views_choose_by_their_mean_probability():
    log_p = torch.tensor([[0.6, 0.3, 0.1], [0.1, 0.5, 0.4]]).log()
    assert Views(2, (None, None)).mean_log_p(log_p).exp().tolist()[0] == pytest.approx([0.35, 0.4, 0.25])
    mirrored = Views(2, (None, torch.tensor([1, 0, 2])))
    assert mirrored.mean_log_p(log_p).exp().tolist()[0] == pytest.approx([0.55, 0.2, 0.25])
    assert mirrored.spread([0, 2]) == [0, 1, 2, 2]


def test_words_alone_open_no_box():
    for seed in range(20):
        ids = write(tiny_model(seed, location_gain=4.0), Decoding(max_new_tokens=30, temperature=2.0, boxes=False)).ids
        assert TOKENIZER.object_id not in ids
