"""Beam search: equal to the installed `transformers` on random small models."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_parity_transformers import FEW, both, configs, random_batch, random_model
from tiny_kosmos import tiny_model

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.inference.beams import Beams, beam_search
from kosmos_agent.inference.prompt import read


def our_search(model, batch, eos_id, search):
    """The picture is read once, the text behind it as a row for each beam, as for a caption."""
    ids, _, mask, pixels = batch
    with torch.inference_mode():
        slots = model.encode_image(pixels)
    cut = ids.shape[1] - 1
    frame = read(model, ids[:, :cut], image_embeds=slots, image_mask=mask[:, :cut])
    prompt = read(model, ids[:, cut:].expand(search.beams, -1), after=frame, room=search.max_new_tokens)
    return beam_search(model, prompt, eos_id, search)


def their_search(model, batch, eos_id, search):
    ids, attention, mask, pixels = batch
    out = model.generate(
        pixel_values=pixels,
        input_ids=ids,
        attention_mask=attention,
        image_embeds_position_mask=mask,
        num_beams=search.beams,
        max_new_tokens=search.max_new_tokens,
        length_penalty=search.length_penalty,
        no_repeat_ngram_size=search.no_repeat_ngram,
        early_stopping=False,
        do_sample=False,
        eos_token_id=eos_id,
        pad_token_id=1,
        return_dict_in_generate=True,
        output_scores=True,
    )
    return out.sequences[0].tolist(), float(out.sequences_scores[0])


SEARCHES = st.builds(
    Beams,
    beams=st.sampled_from([2, 4, 5]),
    max_new_tokens=st.just(12),
    length_penalty=st.sampled_from([0.0, 1.0, 2.0]),
    no_repeat_ngram=st.sampled_from([0, 2]),
)


@settings(FEW, max_examples=12)
@given(search=SEARCHES, config=configs(), seed=st.integers(0, 99), length=st.integers(1, 6))
def test_the_best_hypothesis_is_theirs(search, config, seed, length, tmp_path):
    ours, theirs = both(random_model(config, seed), tmp_path)
    batch = random_batch(config, [length], "right", seed)
    # An end that is often likely, so that hypotheses of different lengths compete.
    eos_id = 2 + seed % 40
    mine = our_search(ours, batch, eos_id, search)
    tokens, score = their_search(theirs, batch, eos_id, search)
    # A pad among the new tokens has no position of its own there; trained models write none.
    assume(1 not in tokens)
    assert list(mine.ids) == tokens[batch[0].shape[1] :]
    assert mine.score == pytest.approx(score, rel=1e-4, abs=1e-4)


def test_rows_and_beams_must_go_together(tmp_path):
    config = tiny_model().config
    model, (ids, _, mask, pixels) = tiny_model(), random_batch(config, [2], "right", 0)
    prompt = read(model, ids, image_embeds=model.encode_image(pixels), image_mask=mask, room=4)
    with pytest.raises(InvalidArgumentError, match="1 rows for 3 beams"):
        beam_search(model, prompt, 2, Beams(3, 4))


@pytest.mark.parametrize("wrong", [{"beams": 0}, {"beams": 65}, {"max_new_tokens": 0}, {"max_new_tokens": 4096}])
def test_what_cannot_be_searched_is_refused(wrong):
    with pytest.raises(InvalidArgumentError, match="valid: 1 to 64 beams, 1 to 2048 tokens"):
        Beams(**wrong)
