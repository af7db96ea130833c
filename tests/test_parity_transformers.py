"""Equality with the installed `transformers` on random small models: states, logits, generation, folders both ways."""

import pytest
import torch
from greedy_decoding import greedy_cached
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import Kosmos2ForConditionalGeneration

from kosmos_agent.model.checkpoint import load_model, save_model
from kosmos_agent.model.config import ClipVisionConfig, Kosmos2Config, TextConfig
from kosmos_agent.model.kosmos2 import Kosmos2

FEW = settings(
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking a failing pair of models takes minutes
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def configs(draw):
    """Shapes that differ in every dimension, so that none can be mixed up with another."""
    heads = draw(st.sampled_from([1, 2, 4]))
    vision_heads = draw(st.sampled_from([1, 3]))
    patch = draw(st.sampled_from([7, 14]))
    return Kosmos2Config(
        text=TextConfig(
            vocab_size=draw(st.integers(70, 130)),
            max_position_embeddings=draw(st.sampled_from([32, 64])),
            embed_dim=heads * draw(st.sampled_from([8, 12])),
            layers=draw(st.integers(1, 3)),
            ffn_dim=draw(st.sampled_from([24, 40])),
            attention_heads=heads,
            layer_norm_eps=draw(st.sampled_from([1e-5, 1e-3])),
            scale_embedding=draw(st.booleans()),
        ),
        vision=ClipVisionConfig(
            hidden_size=vision_heads * draw(st.sampled_from([8, 10])),
            intermediate_size=draw(st.sampled_from([20, 36])),
            num_hidden_layers=draw(st.integers(1, 3)),
            num_attention_heads=vision_heads,
            image_size=patch * draw(st.integers(2, 4)),
            patch_size=patch,
        ),
        latent_query_num=draw(st.integers(1, 5)),
    )


def random_model(config, seed):
    """Every parameter random, norms and biases included: a forgotten one shows."""
    torch.manual_seed(seed)
    model = Kosmos2(config).eval()
    for name, value in model.named_parameters():
        nn.init.normal_(value, mean=1.0 if "norm" in name and value.ndim == 1 else 0.0, std=0.3)
    return model


def random_batch(config, lengths, side, seed):
    """Rows of `<s> <image> slots </image> text` with the given numbers of text tokens."""
    generator = torch.Generator().manual_seed(seed)
    slots = config.latent_query_num
    width = 3 + slots + max(lengths)
    ids = torch.ones(len(lengths), width, dtype=torch.int64)
    attention, mask = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        start = 0 if side == "right" else max(lengths) - length
        end = start + 3 + slots + length
        ids[row, start:end] = torch.randint(4, config.text.vocab_size, (end - start,), generator=generator)
        attention[row, start:end] = 1
        mask[row, start + 2 : start + 2 + slots] = 1
    size = config.vision.image_size
    return ids, attention, mask, torch.randn(len(lengths), 3, size, size, generator=generator)


def both(model, folder, dtype=torch.float32):
    """Our model and theirs, theirs read from our folder."""
    save_model(model, folder)
    theirs = Kosmos2ForConditionalGeneration.from_pretrained(folder, dtype=dtype, attn_implementation="eager")
    return load_model(folder, dtype=dtype), theirs.eval()


def run_both(ours, theirs, batch):
    """(vision states, image slots, logits of the real tokens) of each, in float32."""
    ids, attention, mask, pixels = batch
    pixels = pixels.to(ours.dtype)
    with torch.inference_mode():
        states = ours.vision_model(pixels)
        slots = ours.resample(states)
        mine = states, slots, ours(ids, image_embeds=slots, image_mask=mask, attention_mask=attention)
        out = theirs(pixel_values=pixels, input_ids=ids, attention_mask=attention, image_embeds_position_mask=mask)
        raw = out.vision_model_output.last_hidden_state
        other = theirs.vision_model.model.post_layernorm(raw), out.image_embeds, out.logits
    real = attention.bool()
    return [[part.float() for part in (*side[:2], side[2][real])] for side in (mine, other)]


BATCHES = {"lengths": st.lists(st.integers(1, 9), min_size=1, max_size=3), "side": st.sampled_from(["left", "right"])}


@FEW
@given(config=configs(), seed=st.integers(0, 99), **BATCHES)
def test_float32_states_slots_and_logits_are_equal(config, seed, lengths, side, tmp_path):
    ours, theirs = both(random_model(config, seed), tmp_path)
    for mine, other in zip(*run_both(ours, theirs, random_batch(config, lengths, side, seed)), strict=True):
        assert (mine - other).abs().max() <= 1e-5 * max(1.0, other.abs().max())


def test_a_sequence_longer_than_the_position_table(tmp_path):
    config = Kosmos2Config(TextConfig(80, 16, 12, 1, 16, 2), ClipVisionConfig(8, 12, 1, 2, 3, 14, 7), 2)
    ours, theirs = both(random_model(config, 0), tmp_path)
    for mine, other in zip(*run_both(ours, theirs, random_batch(config, [40, 3], "left", 0)), strict=True):
        assert torch.allclose(mine, other, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@FEW
@given(config=configs(), seed=st.integers(0, 99), **BATCHES)
def test_half_precision_is_as_close_to_float32_as_theirs(dtype, config, seed, lengths, side, tmp_path):
    model, batch = random_model(config, seed), random_batch(config, lengths, side, seed)
    exact, _ = run_both(*both(model, tmp_path), batch)
    mine, other = run_both(*both(model, tmp_path, dtype), batch)
    for ideal, ours, theirs in zip(exact, mine, other, strict=True):
        floor = torch.finfo(dtype).eps * ideal.abs().max()
        assert (ours - ideal).abs().mean() <= 1.5 * (theirs - ideal).abs().mean() + floor


@pytest.mark.parametrize("ngram", [0, 2, 3])
@FEW
@given(config=configs(), seed=st.integers(0, 99), lengths=st.lists(st.integers(1, 9), min_size=2, max_size=3))
def test_a_left_padded_batch_decodes_as_their_rows_alone(ngram, config, seed, lengths, tmp_path):
    ours, theirs = both(random_model(config, seed), tmp_path)
    ids, attention, mask, pixels = random_batch(config, lengths, "left", seed)
    with torch.inference_mode():
        slots = ours.encode_image(pixels)
    mine = greedy_cached(ours, ids, slots, mask, attention, steps=16, no_repeat_ngram=ngram)
    for row in range(len(lengths)):
        real = attention[row].bool()
        alone = theirs.generate(
            pixel_values=pixels[row : row + 1],
            input_ids=ids[row : row + 1, real],
            attention_mask=attention[row : row + 1, real],
            image_embeds_position_mask=mask[row : row + 1, real],
            max_new_tokens=16,
            no_repeat_ngram_size=ngram,
            do_sample=False,
            eos_token_id=None,
        )
        assert mine[row].tolist() == alone[0, real.sum() :].tolist()


@pytest.mark.parametrize("shard_bytes", [10**9, 20_000])
def test_our_folder_opens_there_and_theirs_opens_here(tmp_path, shard_bytes):
    model = random_model(Kosmos2Config(TextConfig(99, 32, 16, 2, 24, 2), ClipVisionConfig(8, 12, 2, 2, 3, 14, 7), 3), 1)
    save_model(model, tmp_path / "ours", max_shard_bytes=shard_bytes)
    theirs, report = Kosmos2ForConditionalGeneration.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    theirs.save_pretrained(tmp_path / "theirs", max_shard_size=shard_bytes)
    assert (len(list((tmp_path / "theirs").glob("*.safetensors"))) > 1) == (shard_bytes < 10**9)
    assert (len(list((tmp_path / "ours").glob("*.safetensors"))) > 1) == (shard_bytes < 10**9)
    back = load_model(tmp_path / "theirs")
    assert back.config == model.config
    wanted = model.state_dict()
    assert wanted.keys() == back.state_dict().keys()
    assert all(torch.equal(value, wanted[name]) for name, value in back.state_dict().items())
