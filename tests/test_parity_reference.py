"""Equality with recorded outputs of the published code (tokenizer, boxes, post-processing, pictures, a tiny model)."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from greedy_decoding import greedy_cached
from safetensors.torch import load_file

from kosmos_agent.location import box_to_pair, pair_to_corners
from kosmos_agent.markup import post_process
from kosmos_agent.model.checkpoint import load_model
from kosmos_agent.processor import Processor
from kosmos_agent.tokenizer import Tokenizer

REFERENCE = Path(__file__).parents[2] / "shared" / "kosmos2-reference"
pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"the reference vectors are not at {REFERENCE.name}/")


def recorded(name):
    return json.loads((REFERENCE / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.from_sentencepiece(REFERENCE / "sentencepiece.bpe.model")


@pytest.fixture(scope="module")
def tiny():
    return load_model(REFERENCE / "tiny_model")


@pytest.fixture(scope="module")
def io():
    return load_file(REFERENCE / "tiny_model" / "io.safetensors")


def test_every_special_token_has_its_published_id(tokenizer):
    for token, token_id in recorded("tokenizer_vectors.json")["tokens"].items():
        assert tokenizer.token_id(token) == token_id
    assert tokenizer.size == 65037
    assert (tokenizer.first_location_id, tokenizer.location_count, tokenizer.first_image_slot_id) == (64013, 1024, 4)


def test_texts_have_their_published_ids(tokenizer):
    for case in recorded("tokenizer_vectors.json")["encode"]:
        assert tokenizer.encode(case["text"]) == case["ids_without_bos_eos"], case["text"]


def test_the_pieces_are_those_of_the_original_dictionary(tokenizer):
    lines = (REFERENCE / "dict.txt").read_text(encoding="utf-8").split("\n")
    pieces = [line.rsplit(" ", 1)[0] for line in lines if line]
    assert [tokenizer.token(index + 4) for index in range(len(pieces))] == pieces


def test_prompts_with_a_picture_have_their_published_ids_and_mask(tokenizer):
    processor = Processor(tokenizer)
    for case in recorded("tokenizer_vectors.json")["with_image"]:
        row = processor.prompt(case["text"])
        assert list(row.ids) == case["input_ids"], case["text"]
        assert list(row.image_mask) == case["image_embeds_position_mask"], case["text"]


def test_boxes_become_their_published_pairs_and_back():
    vectors = recorded("box_vectors.json")
    for case in vectors["encode"]:
        assert box_to_pair(case["box"], vectors["grid"]) == tuple(case["hf"]), case
    for case in vectors["decode"]:
        assert pair_to_corners(tuple(case["pair"]), vectors["grid"]) == tuple(case["box"]), case


def test_generations_become_their_published_entities():
    for case in recorded("postprocess_vectors.json"):
        clean, entities = post_process(case["text"])
        assert json.loads(json.dumps([clean, entities])) == case["result"], case["text"]


def test_a_picture_becomes_its_published_pixels(tokenizer):
    vectors = recorded("image_vectors.json")
    y, x = np.mgrid[0:61, 0:97]
    picture = np.stack([(3 * x + y) % 256, (x + 5 * y) % 256, (x * y) % 256], axis=-1).astype(np.uint8)
    pixels = Processor(tokenizer).pixels([picture])[0].numpy()
    assert pixels.shape == (3, 224, 224)
    assert np.abs(pixels.mean(axis=(1, 2)) - vectors["channel_mean"]).max() < 1e-5
    stride = vectors["stride"]
    assert np.abs(pixels[:, ::stride, ::stride] - np.array(vectors["samples"])).max() < 2e-6


@torch.inference_mode()
def test_the_vision_tower_and_image_slots(tiny, io):
    tower = tiny.vision_model.model
    raw = tower.encoder(tower.pre_layrnorm(tower.embeddings(io["pixel_values"])))
    recorded_raw = io["vision_last_hidden_state"]  # before the final norm
    assert (raw - recorded_raw).abs().max() < 1e-6 * recorded_raw.abs().max()
    states = tiny.vision_model(io["pixel_values"])
    assert torch.allclose(states, tower.post_layernorm(recorded_raw), atol=1e-5)
    assert torch.allclose(tiny.resample(states), io["image_embeds"], atol=1e-5)


@torch.inference_mode()
def test_logits_of_a_batch_with_a_left_padded_row(tiny, io):
    logits = tiny(
        io["input_ids"],
        pixels=io["pixel_values"],
        image_mask=io["image_embeds_position_mask"],
        attention_mask=io["attention_mask"],
    )
    real = io["attention_mask"].bool()
    assert not real.all()
    assert (logits - io["logits"])[real].abs().max() < 1e-5


@torch.inference_mode()
def test_loss(tiny, io):
    logits = tiny(io["input_ids"][:1], pixels=io["pixel_values"][:1], image_mask=io["image_embeds_position_mask"][:1])
    loss = F.cross_entropy(logits[0, :-1], io["labels_row0"][0, 1:], ignore_index=-100)
    assert abs(loss - io["loss_row0"][0]) < 1e-5


def test_greedy_ids_of_a_cached_batch_with_a_left_padded_row(tiny, io):
    ids = greedy_cached(
        tiny,
        io["input_ids"],
        io["image_embeds"],
        io["image_embeds_position_mask"],
        io["attention_mask"],
        steps=12,
    )
    assert ids[0].tolist() == io["greedy12_row0"][0, 11:].tolist()
    assert ids[1].tolist() == io["greedy12_row1_unpadded"][0, 8:].tolist()
