"""The places where rebuilding Kosmos-2 goes wrong silently, each with a test that fails when it does."""

import numpy as np
import pytest
import torch
from greedy_decoding import greedy_cached
from torch import nn

from kosmos_agent.errors import InvalidBoxError
from kosmos_agent.model.config import ClipVisionConfig, Kosmos2Config, TextConfig
from kosmos_agent.model.decoder import positions_from_mask, sinusoidal_table
from kosmos_agent.model.kosmos2 import Kosmos2, causal_mask
from kosmos_agent.processor import IMAGE_MEAN, IMAGE_STD, Processor, insert_boxes
from kosmos_agent.tokenizer import build_word_tokenizer

SLOTS = 3
VISION = ClipVisionConfig(16, 24, 2, 2, 3, 28, 7)


def random_model(layers=2):
    torch.manual_seed(5)
    model = Kosmos2(Kosmos2Config(TextConfig(60, 64, 24, layers, 32, 3), VISION, SLOTS)).eval()
    for value in model.parameters():
        nn.init.normal_(value, std=0.4)
    return model


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def test_positions_start_at_two_and_skip_pads_on_both_sides():
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 0, 0]])
    assert positions_from_mask(mask).tolist() == [[1, 1, 2, 3, 4], [2, 3, 4, 1, 1]]


def test_position_vectors_are_sines_then_cosines_and_zero_for_pads():
    table = sinusoidal_table(10, 8)
    assert table[1].abs().max() == 0
    frequency = 10000 ** -(torch.arange(4) / 3)
    assert torch.allclose(table[7], torch.cat([(7 * frequency).sin(), (7 * frequency).cos()]), atol=1e-6)


def test_cached_decoding_of_a_padded_row_equals_the_row_alone(model):
    row = torch.tensor([[0, 9, 4, 5, 6, 10, 20]])
    image_mask = torch.tensor([[0, 0, 1, 1, 1, 0, 0]])
    slots = torch.randn(1, SLOTS, 24, generator=torch.Generator().manual_seed(1))
    alone = greedy_cached(model, row, slots, image_mask, torch.ones_like(row), steps=8)
    pads = torch.ones(1, 5, dtype=torch.int64)
    padded = greedy_cached(
        model,
        torch.cat([pads, row], 1),
        slots,
        torch.cat([pads * 0, image_mask], 1),
        torch.cat([pads * 0, torch.ones_like(row)], 1),
        steps=8,
    )
    assert padded.tolist() == alone.tolist()


def test_cached_steps_give_the_logits_of_the_whole_sequence(model):
    ids = torch.randint(4, 60, (2, 9), generator=torch.Generator().manual_seed(2))
    whole = model(ids)
    cache, parts = model.new_cache(2, 9), []
    for step in range(9):
        position = torch.full((2, 1), step + 2)
        parts.append(model.logits(model.decode(model.embed(ids[:, step : step + 1]), position, mask=None, cache=cache)))
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-4, rtol=1e-4)


def test_sequences_may_outgrow_the_position_table(model):
    """64 positions are foreseen; the table grows, and its old rows stay what they were."""
    ids = torch.randint(4, 60, (1, 90), generator=torch.Generator().manual_seed(7))
    before = model(ids[:, :20])
    whole = model(ids)
    assert torch.allclose(whole[:, :20], before, atol=1e-4)
    cache = model.new_cache(1, 90)
    hidden = model.decode(
        model.embed(ids[:, :89]), torch.arange(2, 91)[None], mask=causal_mask(ids[:, :89] > 0), cache=cache
    )
    last = model.decode(model.embed(ids[:, 89:]), torch.tensor([[91]]), mask=None, cache=cache)
    assert torch.allclose(model.logits(hidden), whole[:, :89], atol=1e-4)
    assert torch.allclose(model.logits(last), whole[:, 89:], atol=1e-4)


def test_there_is_no_xpos():
    """Without the position table one causal layer cannot tell the order of earlier tokens; rotary attention could."""
    model = random_model(layers=1)
    model.text_model.model.position_table = torch.zeros_like(model.text_model.model.position_table)
    one = model(torch.tensor([[0, 8, 9, 10, 11]]))[0, -1]
    other = model(torch.tensor([[10, 9, 0, 8, 11]]))[0, -1]
    assert torch.allclose(one, other, atol=1e-4)


def test_the_embedding_scale_reaches_the_image_slots(model):
    """Image vectors that equal some token rows must act as those tokens."""
    ids = torch.tensor([[0, 9, 4, 5, 6, 10, 20]])
    mask = torch.tensor([[0, 0, 1, 1, 1, 0, 0]])
    words = torch.tensor([[0, 9, 31, 32, 33, 10, 20]])
    rows = model.embed(words)[:, 2:5]
    assert torch.allclose(model(ids, image_embeds=rows, image_mask=mask), model(words), atol=1e-5)


def test_every_image_vector_is_normalised_the_class_vector_included(model):
    states = torch.randn(1, 17, 16, generator=torch.Generator().manual_seed(3))
    factors = torch.linspace(0.2, 9.0, 17)[None, :, None]
    assert torch.allclose(model.resample(states * factors), model.resample(states), atol=1e-4)


def test_the_final_vision_norm_covers_every_position():
    tower = Kosmos2(Kosmos2Config(TextConfig(60, 64, 24, 1, 32, 3), VISION, SLOTS)).eval().vision_model
    states = tower(torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(4)))
    assert states.shape == (1, 17, 16)
    assert states.mean(-1).abs().max() < 1e-5
    assert (states.var(-1, unbiased=False) - 1).abs().max() < 1e-2


def test_the_queries_are_keys_of_the_resampler_too(model):
    states = torch.randn(1, 17, 16, generator=torch.Generator().manual_seed(6))
    before = model.resample(states)
    query = model.image_to_text_projection.latent_query
    saved = query.clone()
    query[2] += 5
    after = model.resample(states)
    query.copy_(saved)
    assert (after[0, 0] - before[0, 0]).abs().max() > 1e-3


def test_a_wide_picture_is_stretched_never_cropped():
    picture = np.zeros((40, 400, 3), np.uint8)
    picture[:, :20], picture[:, -20:] = (255, 0, 0), (0, 0, 255)
    pixels = Processor(build_word_tokenizer([]), image_size=100).pixels([picture])[0]
    rgb = pixels * torch.tensor(IMAGE_STD)[:, None, None] + torch.tensor(IMAGE_MEAN)[:, None, None]
    assert rgb.shape == (3, 100, 100)
    assert torch.allclose(rgb[:, :, 0], torch.tensor([1.0, 0, 0])[:, None], atol=1e-5)
    assert torch.allclose(rgb[:, :, -1], torch.tensor([0, 0, 1.0])[:, None], atol=1e-5)
    assert (rgb[0, 50] > 0.5).sum() == 5


def test_image_slots_carry_the_ids_behind_unk():
    tokenizer = build_word_tokenizer(["cup"])
    row = Processor(tokenizer, image_tokens=5).prompt("cup")
    assert row.ids[:8] == (0, tokenizer.image_id, 4, 5, 6, 7, 8, tokenizer.image_end_id)
    assert row.image_mask == (0, 0, 1, 1, 1, 1, 1, 0, 0)


@pytest.mark.parametrize("box", [(0.5, 0.5, 0.4, 0.9), (float("nan"), 0.0, 1.0, 1.0), (0.2, 0.2, 0.2, 0.4)])
def test_boxes_that_cannot_be_are_refused_on_the_way_in(box):
    with pytest.raises(InvalidBoxError):
        insert_boxes("<phrase> it</phrase>", [box], 32)
