"""The dry run against hand calculation, on the published shape."""

import json
from dataclasses import replace

import pytest
import torch
from tiny_kosmos import tiny_model

from kosmos_agent.cli.app import main
from kosmos_agent.errors import CheckpointError, InvalidArgumentError, InvalidConfigError
from kosmos_agent.model.checkpoint import load_model, load_tokenizer
from kosmos_agent.model.config import ConvVisionConfig, Kosmos2Config
from kosmos_agent.model.folder import locate
from kosmos_agent.training.plan import inputs
from kosmos_agent.training.plan.dry_run import hollow_model, picture_work, text_work
from kosmos_agent.training.plan.inputs import planned_config
from kosmos_agent.training.plan.plan import Hardware, plan
from kosmos_agent.training.plan.tabletop import as_counted
from kosmos_agent.training.recipe.reading import parse_recipe, read_any, read_recipe
from kosmos_agent.training.scale import start
from kosmos_agent.training.tabletop import tabletop_config

PUBLISHED = Kosmos2Config()
WHOLE = 1_664_485_376
LAYERS = 2
SHALLOW = replace(
    PUBLISHED,
    text=replace(PUBLISHED.text, layers=LAYERS),
    vision=replace(PUBLISHED.vision, num_hidden_layers=LAYERS),
)
"""The published widths in two layers: the same arithmetic in a twelfth of the time."""
SHALLOW_WHOLE = WHOLE - 22 * 1_209_090_048 // 24 - 22 * (4 * (1024 * 1024 + 1024) + 2 * 4096 * 1024 + 9 * 1024)


@pytest.fixture(scope="module")
def paper():
    return plan(read_recipe("paper_pretrain", "pretrain"), PUBLISHED, {}, Hardware(256, 112, 0.1))


def test_parameters_are_those_of_the_published_model(paper):
    assert {name: whole for name, (whole, _) in paper.parameters.items()} == {
        "vision": 303_179_776,
        "resampler": 19_015_680,
        "decoder": 1_209_090_048 + 4_096,
        "embeddings": 133_195_776,
    }
    assert all(whole == trained for whole, trained in paper.parameters.values())


def test_a_step_holds_the_papers_tokens(paper):
    assert paper.tokens_per_step == 93 * 1989 + 2 * 1117 * 96 + 47 * 404
    assert paper.pictures == {"text": 0, "captions": 1117, "grounded": 1117, "interleaved": 94}
    assert paper.passes == 1  # 418,429 tokens over 256 devices are 1,635; a pass holds 8,192


def test_weights_gradients_and_moments_are_spread(paper):
    assert paper.memory.weights == paper.memory.gradients == -(-4 * WHOLE // 256)
    assert paper.memory.moments == -(-8 * WHOLE // 256)
    layer = 1_209_090_048 // 24
    vision_layers = 24 * (4 * (1024 * 1024 + 1024) + 2 * 4096 * 1024 + 9 * 1024)
    outside = WHOLE - 1_209_090_048 - vision_layers
    assert paper.memory.working_weights == 2 * (outside + 2 * layer)


def test_one_device_alone_holds_sixteen_bytes_a_parameter():
    alone = read_recipe("paper_pretrain", "pretrain", ["compute.sharding=none"])
    memory = plan(alone, SHALLOW, {}, Hardware()).memory
    assert memory.weights + memory.gradients + memory.moments == 16 * SHALLOW_WHOLE
    assert memory.working_weights == 2 * SHALLOW_WHOLE


def test_operations_of_a_row_by_hand():
    tokens, width, vocabulary = 512, 2048, 65_037
    products = 4 * width * width + 2 * width * 8192
    attention = 2 * tokens * width
    by_hand = 2 * tokens * (LAYERS * (products + attention) + vocabulary * width)
    model = hollow_model(SHALLOW, read_recipe("paper_pretrain", "pretrain"))
    work = text_work(model, 1, tokens, head_chunk=tokens)
    assert work.forward_flops == by_hand
    assert work.backward_flops == pytest.approx(2 * by_hand, rel=0.02)


def test_operations_of_a_picture_by_hand():
    patches, width, cells = 256, 1024, 257
    layer = cells * (4 * width * width + 2 * width * 4096) + 2 * cells * cells * width
    tower = patches * 3 * 14 * 14 * width + LAYERS * layer
    keys = cells + 64
    resampler = cells * width * 2048 + (64 * 2 + keys * 2) * 2048 * 2048 + 2 * 64 * keys * 2048
    model = hollow_model(SHALLOW, read_recipe("paper_pretrain", "pretrain"))
    assert picture_work(model, 1).forward_flops == 2 * (tower + resampler)


def test_hours_follow_from_operations_and_hardware(paper):
    assert paper.hours == pytest.approx(60_000 * paper.flops_per_step / (256 * 112e12 * 0.1) / 3600)
    assert 20 < paper.hours < 40, "the paper: about a day on 256 V100"


def test_frozen_parts_need_no_gradients_and_less_work():
    recipe = read_recipe("paper_pretrain", "pretrain", ['freeze=["vision"]', "compute.sharding=none"])
    frozen = plan(recipe, SHALLOW, {}, Hardware())
    vision, learnt = frozen.parameters["vision"]
    assert learnt == 0
    assert frozen.memory.gradients == 4 * (SHALLOW_WHOLE - vision)
    trained = read_recipe("paper_pretrain", "pretrain")
    still, moving = (picture_work(hollow_model(SHALLOW, item), 1) for item in (recipe, trained))
    assert still.forward_flops == moving.forward_flops
    assert still.backward_flops < 0.5 * moving.backward_flops


def test_adapters_are_what_is_trained():
    recipe = read_recipe("finetune", "finetune", ["lora.rank=4", "lora.parts=['decoder']"])
    found = plan(recipe, SHALLOW, {"boxes": (100.0, 1.0)}, Hardware())
    layer = 4 * (4 * (2048 + 2048) + 2 * (2048 + 8192))
    assert found.parameters["decoder"][1] == LAYERS * layer
    assert found.parameters["vision"][1] == found.parameters["embeddings"][1] == 0


@pytest.mark.parametrize("conv", [False, True])
def test_saved_bytes_are_those_of_a_real_pass(conv):
    """The hollow pass keeps what the same pass with weights keeps; only attention is fused elsewhere than on a CPU."""
    model = tiny_model(0, conv=conv, slots=4).requires_grad_(True)
    config = model.config
    pixels = torch.zeros(2, 3, config.vision.image_size, config.vision.image_size)
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    weights = {value.untyped_storage()._cdata for value in model.parameters()}
    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        model.encode_image(pixels)
    real = sum(value.untyped_storage().nbytes() for key, value in kept.items() if key not in weights)
    recipe = parse_recipe({**RECIPE, "model": {"start": "tabletop"}})
    hollow = picture_work(hollow_model(config, recipe), 2).saved_bytes
    assert isinstance(config.vision, ConvVisionConfig) == conv
    assert hollow == pytest.approx(real, rel=0.3)


RECIPE = {"recipe": "pretrain", "data": [{"kind": "captions", "path": "pairs", "per_step": 2}]}


def no_hub(name):
    raise CheckpointError(f"there is no folder {name} and no hub")


def test_finetuning_is_planned_without_data_and_without_its_model(capsys, monkeypatch, tmp_path):
    """In a folder with files of JSON that are no labels."""
    (tmp_path / "package.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    for module in (inputs, start):
        monkeypatch.setattr(module, "locate", no_hub)
    monkeypatch.setattr(inputs, "Kosmos2Config", lambda: SHALLOW)
    monkeypatch.setattr(start, "Kosmos2Config", lambda: SHALLOW)
    for words in ((), ("--data", str(tmp_path))):
        assert main(["train", "plan", "finetune", *words, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["tokens"], found["pictures"]) == ({"boxes": 8 * 256}, {"boxes": 8})
    monkeypatch.undo()
    assert main(["train", "plan", "finetune", "--set", "model.start=tabletop", "--data", str(tmp_path)]) == 2
    assert "package.json has no list images" in capsys.readouterr().err


def test_sizes_that_nobody_states_are_an_error():
    recipe = parse_recipe({**RECIPE, "model": {"start": "tabletop"}})
    with pytest.raises(InvalidConfigError, match=r"source captions: .* valid: mean_tokens and mean_pictures"):
        plan(recipe, SHALLOW, {}, Hardware())
    with pytest.raises(InvalidArgumentError, match="at least 1 device"):
        Hardware(devices=0)


def test_the_embedded_models_recipe_is_planned_by_the_same_code(capsys):
    """Its shape as it is trained, against the model that is shipped."""
    tokenizer, weights = load_tokenizer(locate("tabletop")), load_model(locate("tabletop"))
    assert main(["train", "plan", "tabletop", "--set", "batch_size=8", "--device-tflops", "0.1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(whole for whole, _ in found["parameters"].values()) == sum(v.numel() for v in weights.parameters())
    assert found["tokens_per_step"] == 8 * 176
    assert found["pictures"] == {"table-tops": 8}
    assert found["passes"] == 1
    assert found["memory"]["weights"] == 4 * sum(value.numel() for value in weights.parameters())
    recipe = as_counted(read_any("tabletop", ["size=160", "steps=100"]))
    assert recipe.schedule.steps == 100
    config = planned_config(recipe)
    assert (config.vision.image_size, config.latent_query_num) == (160, 64)
    assert config.text == tabletop_config(tokenizer.size).text
