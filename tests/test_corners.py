"""Finding behind a shared frame: equal to the published decoding, whole-model probabilities, no cross-talk."""

import numpy as np
import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent import prompts
from kosmos_agent.inference.corners import score_corners
from kosmos_agent.inference.frame import continue_frame, encode_frame, encode_frames
from kosmos_agent.inference.generate import Decoding, generate
from kosmos_agent.location import is_valid_pair
from kosmos_agent.processor import Processor

PHRASES = ["the red cup", "blue box", "the cup left of the red box", "zebra"]


def picture(seed):
    return np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)


def setup(seed, gain=1.0):
    model = tiny_model(seed, location_gain=gain)
    frame = encode_frame(model, Processor.for_config(TOKENIZER, model.config), picture(seed))
    return model, frame, [TOKENIZER.encode_words(prompts.phrase_grounding(phrase)) for phrase in PHRASES]


def scored(model, frame, texts):
    (found,) = score_corners(model, TOKENIZER, [frame], [texts])
    return found


def test_best_pair_is_what_free_decoding_writes_when_it_writes_a_box():
    boxes = 0
    for seed in range(40):
        model, frame, texts = setup(seed, gain=4.0)
        for text, scores in zip(texts, scored(model, frame, texts), strict=True):
            prompt = continue_frame(model, frame, [[*text, TOKENIZER.object_id]], room=2)
            ids = generate(model, TOKENIZER, prompt, Decoding(max_new_tokens=2, grammar=False))[0].ids
            pair = tuple(TOKENIZER.location_index(token) for token in ids)
            if len(pair) == 2 and None not in pair and is_valid_pair(pair):
                boxes += 1
                assert scores.pairs[0].pair == pair
    assert boxes >= 20, "free decoding must write enough boxes for this to mean something"


@torch.inference_mode()
def test_presence_is_the_probability_of_object_after_the_phrase():
    model, frame, texts = setup(3)
    for text, scores in zip(texts, scored(model, frame, texts), strict=True):
        hidden = continue_frame(model, frame, [text], room=0).hidden
        expected = model.logits(hidden).softmax(-1)[0, TOKENIZER.object_id]
        assert scores.presence == pytest.approx(float(expected), rel=1e-3)


@torch.inference_mode()
def test_pair_probabilities_match_the_whole_model_and_do_not_exceed_one():
    model, frame, texts = setup(5)
    rows = slice(TOKENIZER.first_location_id, TOKENIZER.first_location_id + 1024)
    scores = scored(model, frame, texts[:1])[0]
    assert sum(item.probability for item in scores.pairs) <= 1 + 1e-5
    for item in list(scores.pairs)[:4]:
        prompt = continue_frame(model, frame, [[*texts[0], TOKENIZER.object_id]], room=0)
        first = model.logits(prompt.hidden, rows).softmax(-1)[0, item.pair[0]]
        tail = [*texts[0], TOKENIZER.object_id, TOKENIZER.location_id(item.pair[0])]
        logits = model.logits(continue_frame(model, frame, [tail], room=0).hidden, rows)[0]
        cell = torch.arange(1024)
        fits = (cell // 32 >= item.pair[0] // 32) & (cell % 32 >= item.pair[0] % 32)
        second = logits.masked_fill(~fits, -torch.inf).softmax(-1)[item.pair[1]]
        assert item.probability == pytest.approx(float(first * second), rel=1e-3)


def test_phrases_asked_together_answer_as_alone_in_any_order():
    model, frame, texts = setup(8)
    together = scored(model, frame, texts)
    backwards = scored(model, frame, texts[::-1])[::-1]
    for text, one, other in zip(texts, together, backwards, strict=True):
        alone = scored(model, frame, [text])[0]
        for scores in (one, other):
            assert scores.presence == pytest.approx(alone.presence, rel=1e-3)
            assert scores.pairs[0].pair == alone.pairs[0].pair
            assert scores.pairs[0].probability == pytest.approx(alone.pairs[0].probability, rel=1e-2)


def test_every_pair_is_upright():
    model, frame, texts = setup(9)
    for scores in scored(model, frame, texts):
        assert all(is_valid_pair(item.pair) for item in scores.pairs)
        weights = [item.probability for item in list(scores.pairs)[1:]]
        assert weights == sorted(weights, reverse=True)


def test_apart_behind_several_pictures_is_as_alone_behind_each():
    model, _, texts = setup(7, gain=4.0)
    processor, pictures = Processor.for_config(TOKENIZER, model.config), [picture(seed) for seed in range(len(texts))]
    apart = score_corners(model, TOKENIZER, [encode_frames(model, processor, pictures)], [[text] for text in texts])
    for rgb, text, (scores,) in zip(pictures, texts, apart, strict=True):
        (alone,) = scored(model, encode_frame(model, processor, rgb), [text])
        assert scores.object_log_odds == pytest.approx(alone.object_log_odds, abs=1e-4)
        assert scores.pairs[0].pair == alone.pairs[0].pair
        weights = [item.probability for item in alone.pairs]
        assert [item.probability for item in scores.pairs] == pytest.approx(weights, rel=1e-3, abs=1e-9)


def test_pictures_asked_together_answer_as_alone_though_their_texts_differ_in_length():
    model, _, texts = setup(6, gain=4.0)
    processor = Processor.for_config(TOKENIZER, model.config)
    frames, asked = [encode_frame(model, processor, picture(seed)) for seed in (1, 2)], [texts[:2], texts[2:]]
    together = score_corners(model, TOKENIZER, frames, asked, phrase_likelihood=True)
    for frame, some, found in zip(frames, asked, together, strict=True):
        (alone,) = score_corners(model, TOKENIZER, [frame], [some], phrase_likelihood=True)
        for scores, other in zip(found, alone, strict=True):
            assert scores.object_log_odds == pytest.approx(other.object_log_odds, abs=1e-4)
            assert scores.phrase_log_likelihood == pytest.approx(other.phrase_log_likelihood, abs=1e-4)
            assert scores.pairs[0].pair == other.pairs[0].pair
            assert scores.pairs[0].probability == pytest.approx(other.pairs[0].probability, rel=1e-3)
