"""A picture and the first question about it in one pass: the same as one after the other, and nothing is read twice."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent import prompts
from kosmos_agent.inference.corners import score_corners
from kosmos_agent.inference.frame import EncodedFrame, encode_frame
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.processor import Processor

TEXTS = [TOKENIZER.encode_words(prompts.phrase_grounding(phrase)) for phrase in ("the red cup", "zebra")]


def frame(model: Kosmos2, seed: int) -> EncodedFrame:
    rgb = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    return encode_frame(model, Processor.for_config(TOKENIZER, model.config), rgb)


def read_frame(model: Kosmos2, seed: int) -> EncodedFrame:
    found = frame(model, seed)
    assert found.prefix is found.prefix
    assert found.unread is None
    return found


def passes(model: Kosmos2) -> list[int]:
    """Grows by the number of tokens of each pass through the decoder."""
    lengths: list[int] = []
    model.text_model.model.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[1]))
    return lengths


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]])
def test_scores_are_those_of_a_frame_that_was_read_before(seeds: tuple[int, ...], texts: list[list[int]]) -> None:
    model = tiny_model(2)
    together, apart = (
        score_corners(model, TOKENIZER, [make(model, seed) for seed in seeds], [texts] * len(seeds))
        for make in (frame, read_frame)
    )
    for one, other in zip(chain(*together), chain(*apart), strict=True):
        assert one.pairs[0].pair == other.pairs[0].pair
        assert one.pairs[0].probability == pytest.approx(other.pairs[0].probability, rel=1e-4)
        assert one.object_log_odds == pytest.approx(other.object_log_odds, abs=1e-4)


@pytest.mark.parametrize("count", [1, 40])
def test_the_frame_keeps_what_was_read(count: int) -> None:
    """With few phrases as a part of the larger cache, with many as a copy of its own."""
    model = tiny_model(3)
    expected = read_frame(model, 1).prefix
    first = frame(model, 1)
    lengths = passes(model)
    score_corners(model, TOKENIZER, [first], [TEXTS[:1] * count])
    assert len(lengths) == 2
    found = first.prefix
    assert len(lengths) == 2, "read with the question, and not again"
    assert torch.equal(found.ids, expected.ids)
    assert torch.equal(found.attention_mask, expected.attention_mask)
    assert torch.equal(found.next_position, expected.next_position)
    torch.testing.assert_close(found.hidden, expected.hidden, rtol=1e-4, atol=1e-5)
    for part, wanted in zip(found.cache.filled(), expected.cache.filled(), strict=True):
        torch.testing.assert_close(part, wanted, rtol=1e-4, atol=1e-5)
    assert found.cache.keys.untyped_storage().nbytes() <= 2 * expected.cache.keys.untyped_storage().nbytes()


def test_one_that_was_read_and_one_that_was_not_go_together() -> None:
    model = tiny_model(4)
    mixed = score_corners(model, TOKENIZER, [read_frame(model, 0), frame(model, 1)], [TEXTS, TEXTS])
    apart = [score_corners(model, TOKENIZER, [read_frame(model, seed)], [TEXTS])[0] for seed in (0, 1)]
    for one, other in zip(chain(*mixed), chain(*apart), strict=True):
        assert one.pairs[0].pair == other.pairs[0].pair
        assert one.presence == pytest.approx(other.presence, rel=1e-4)


def test_a_later_question_leaves_the_first_ones_keys_alone() -> None:
    model = tiny_model(5)
    shared = frame(model, 1)
    once = score_corners(model, TOKENIZER, [shared], [TEXTS])
    score_corners(model, TOKENIZER, [shared], [TEXTS[::-1]])
    again = score_corners(model, TOKENIZER, [shared], [TEXTS])
    for one, other in zip(once[0], again[0], strict=True):
        assert one.presence == pytest.approx(other.presence, rel=1e-4)
