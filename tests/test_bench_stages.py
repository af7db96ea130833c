"""Floors: what a stage must compute and read, against hand arithmetic."""

import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_grounder

from kosmos_agent.benchmarking import machine
from kosmos_agent.benchmarking.machine import Limits, measure_limits
from kosmos_agent.benchmarking.rounds import Plan
from kosmos_agent.benchmarking.stages import (
    STAGES,
    StageShapes,
    Work,
    bytes_read,
    count_operations,
    stage_calls,
    stage_figures,
    torch_model,
)
from kosmos_agent.benchmarking.timing import Sample, summarise
from kosmos_agent.grounder import Grounder
from kosmos_agent.model.checkpoint import save_model
from kosmos_agent.model.int8_kernels import exact_kernels
from kosmos_agent.user_cache import CACHE_VARIABLE

QUICK = Plan(threads=1, wanted=1, patience=1, sample_s=0)


@pytest.fixture(scope="module")
def grounder():
    return tiny_grounder()


@pytest.fixture(scope="module")
def shapes(grounder):
    return StageShapes.of(grounder)


def linear_operations(tokens, text):
    """Of the decoder's layers: four square projections and the feed-forward, two operations a weight."""
    return tokens * text.layers * 2 * (4 * text.embed_dim**2 + 2 * text.embed_dim * text.ffn_dim)


def attention_operations(tokens, seen, text):
    """Scores and mixing, over every key whether masked or not."""
    return text.layers * 2 * 2 * tokens * seen * text.embed_dim


def test_decoder_operations_are_those_of_its_matrices(grounder, shapes):
    text, counted = grounder.model.config.text, count_operations(grounder, shapes)
    packed = sum(shapes.phrases)
    for stage, tokens, seen in (
        ("prefix", shapes.prefix, shapes.prefix),
        ("phrases_8", packed, shapes.prefix + packed),
        ("decode", 1, shapes.prefix + 1),
    ):
        assert counted[stage] == linear_operations(tokens, text) + attention_operations(tokens, seen, text), stage
    assert counted["head"] == 2 * text.embed_dim * text.vocab_size


def test_vision_operations_are_those_of_the_tower_and_the_resampler(grounder, shapes):
    vision, text = grounder.model.config.vision, grounder.model.config.text
    cells = (vision.image_size // vision.patch_size) ** 2
    places, slots = cells + 1, grounder.model.config.latent_query_num
    width, inner, wide = vision.hidden_size, vision.intermediate_size, text.embed_dim
    patches = 2 * cells * width * 3 * vision.patch_size**2
    layer = 2 * places * (4 * width**2 + 2 * width * inner) + 4 * places * places * width
    resampler = 2 * wide * (places * width + 2 * slots * wide + 2 * (places + slots) * wide)
    looks = 4 * slots * (places + slots) * wide
    expected = patches + vision.num_hidden_layers * layer + resampler + looks
    assert count_operations(grounder, shapes)["vision"] == expected


def test_a_stage_reads_each_of_its_weights_once_and_the_keys_behind_it(grounder, shapes):
    model, text = grounder.model, grounder.model.config.text
    layers = sum(value.nbytes for value in model.text_model.model.layers.parameters())
    keys_and_values = 2 * text.layers * shapes.prefix * text.embed_dim * 4
    assert bytes_read(model, "prefix", shapes) == layers
    assert bytes_read(model, "decode", shapes) == layers + keys_and_values
    assert bytes_read(model, "head", shapes) == 4 * text.vocab_size * text.embed_dim
    everything = sum(value.nbytes for value in model.parameters())
    norm = 2 * 4 * text.embed_dim
    assert bytes_read(model, "vision", shapes) + layers + bytes_read(model, "head", shapes) + norm == everything


def test_half_the_width_of_a_number_is_half_the_bytes(grounder, shapes):
    half = tiny_grounder()
    half.model.bfloat16()
    for stage in STAGES:
        assert 2 * bytes_read(half.model, stage, shapes) == bytes_read(grounder.model, stage, shapes)


def test_codes_of_eight_bits_count_wherever_a_kernel_keeps_them(grounder, shapes, tmp_path, monkeypatch):
    if not exact_kernels("cpu"):
        pytest.skip("this machine has no exact 8-bit products")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    save_model(grounder.model, tmp_path / "tiny", tokenizer=TOKENIZER)
    eight = Grounder.load(tmp_path / "tiny", dtype="int8")
    text = grounder.model.config.text
    codes = text.layers * (4 * text.embed_dim**2 + 2 * text.embed_dim * text.ffn_dim)
    rest = bytes_read(grounder.model, "prefix", shapes) - 4 * codes
    assert codes + rest <= bytes_read(torch_model(eight), "prefix", shapes) < 2 * codes + rest, (
        "codes, scales, the rest"
    )


@pytest.mark.parametrize(
    ("work", "floor_s", "bound"),
    [
        (Work(100.0, 30.0), 10.0, "arithmetic"),
        (Work(10.0, 60.0), 3.0, "reading"),
        (Work(10.0, 20.0), 1.0, "arithmetic"),
    ],
)
def test_the_floor_is_the_larger_of_two(work, floor_s, bound):
    assert work.floor_s(operations_s=10.0, bytes_s=20.0) == (pytest.approx(floor_s), bound)


def test_figures_hold_together(grounder, shapes):
    timing = summarise([Sample(0.001, None)], 1, 0.1)
    limits = Limits(gemm_gops={"float32": 100.0}, read_gb_s=10.0, timings={"float32": timing})
    figures = stage_figures(grounder, limits, "float32", QUICK)
    assert list(figures) == list(STAGES)
    for stage, item in figures.items():
        slowest_ms = max(item.giga_operations / 100, item.megabytes / 1000 / 10) * 1000
        assert item.floor_ms == pytest.approx(slowest_ms)
        assert item.reached == pytest.approx(item.floor_ms / item.timing.median_ms)
        assert item.tokens == shapes.tokens(stage)


def test_every_stage_runs_on_the_real_model_too(grounder, shapes):
    text = grounder.model.config.text
    results = {name: call() for name, call in stage_calls(grounder.model, shapes).items()}
    assert results["phrases_8"].shape == (1, sum(shapes.phrases), text.embed_dim)
    assert results["head"].shape == (1, 1, text.vocab_size)


def test_phrases_count_the_object_tag(shapes):
    assert shapes.prefix == 4 + 3, "the beginning, four slots and their tags"
    assert all(
        length >= len(TOKENIZER.encode("<grounding><phrase> the red cup</phrase>")) + 1 for length in shapes.phrases
    )


def test_limits_are_operations_and_bytes_over_time():
    limits = measure_limits(QUICK, gemm_side=64, read_bytes=1 << 16)
    for name, rate in limits.gemm_gops.items():
        assert rate == pytest.approx(2 * 64**3 / limits.timings[name].min_ms / 1e6)
    assert {"float32", "bfloat16"} <= limits.gemm_gops.keys()
    assert limits.read_gb_s == pytest.approx((1 << 16) / limits.timings["read"].min_ms / 1e6)
    assert limits.gemm_side == 64


def test_reading_is_the_best_of_several_rounds_with_every_processor(monkeypatch):
    rounds, threads, before = iter([3.0, 1.0, 2.0]), [], torch.get_num_threads()

    def timed(calls, plan):
        if "read" not in calls:
            return dict.fromkeys(calls, summarise([Sample(1.0, None)], 1, 0.1))
        threads.append((plan.threads, torch.get_num_threads()))
        return {"read": summarise([Sample(next(rounds), None)], 1, 0.1)}

    monkeypatch.setattr(machine, "time_in_turn", timed)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 2)
    limits = measure_limits(QUICK, gemm_side=64, read_bytes=1 << 20)
    assert limits.read_gb_s == pytest.approx((1 << 20) / 1e9)
    assert threads == [(2, 2)] * 3
    assert torch.get_num_threads() == before
