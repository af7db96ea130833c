"""Model folders: whole, sharded, renamed, half-precision; broken ones are refused by name."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.model.checkpoint import load_model, load_tokenizer, read_config, save_model
from kosmos_agent.model.config import ClipVisionConfig, ConvVisionConfig, Kosmos2Config, TextConfig
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.skeleton import skeleton
from kosmos_agent.tokenizer import build_word_tokenizer

TEXT = TextConfig(60, 32, 16, 1, 24, 2)
CLIP = Kosmos2Config(TEXT, ClipVisionConfig(8, 12, 1, 2, 3, 14, 7), 3)
CONV = Kosmos2Config(TEXT, ConvVisionConfig((4, 6), (0, 1), 8, 8, 1, 2, 32), 3)
EMBEDDING = "text_model.model.embed_tokens.weight"


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Kosmos2(CLIP).eval()


@pytest.fixture
def folder(model, tmp_path):
    save_model(model, tmp_path / "model")
    return tmp_path / "model"


def edit(folder, change):
    """Rewrite the folder's weights."""
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("config", [CLIP, CONV])
@pytest.mark.parametrize("shard_bytes", [10**9, 2_000])
def test_what_is_saved_comes_back(config, shard_bytes, tmp_path):
    model = Kosmos2(config)
    if config is CONV:  # leave traces in the batch norm's running statistics
        model.train().encode_image(torch.randn(2, 3, 32, 32))
    save_model(model, tmp_path, max_shard_bytes=shard_bytes)
    back = load_model(tmp_path)
    assert back.config == config
    assert back.state_dict().keys() == model.state_dict().keys()
    assert same(back, model)
    assert not back.training
    ids = torch.tensor([[0, 5, 6]])
    with torch.inference_mode():
        assert torch.equal(back(ids), model.eval()(ids))


def test_shards_respect_their_bound_and_their_index_is_complete(model, tmp_path):
    save_model(model, tmp_path, max_shard_bytes=4_000)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == model.state_dict().keys()
    assert index["metadata"]["total_size"] == sum(value.nbytes for value in model.state_dict().values())
    for file in set(index["weight_map"].values()):
        tensors = load_file(tmp_path / file)
        assert len(tensors) == 1 or sum(value.nbytes for value in tensors.values()) <= 4_000


def test_saving_over_an_older_model_leaves_none_of_it(model, folder):
    with torch.no_grad():
        model.text_model.model.embed_tokens.weight.add_(1)
    save_model(model, folder, max_shard_bytes=2_000)
    assert same(load_model(folder), model)
    save_model(model, folder)
    assert sorted(path.name for path in folder.glob("*safetensors*")) == ["model.safetensors"]


def test_a_mapped_model_outlives_a_new_one_saved_over_its_file(folder, model):
    mapped = load_model(folder)
    other = load_model(folder)
    with torch.no_grad():
        for value in other.parameters():
            value.add_(1)
    save_model(other, folder)
    assert same(mapped, model)
    assert same(load_model(folder), other)


def test_changing_a_loaded_model_leaves_its_file_alone(folder, model):
    with torch.no_grad():
        load_model(folder).text_model.model.embed_tokens.weight.zero_()
    assert same(load_model(folder), model)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_every_tensor_and_table_takes_the_wanted_type(folder, dtype):
    loaded = load_model(folder, dtype=dtype)
    assert {value.dtype for value in loaded.parameters()} == {dtype}
    assert loaded.text_model.model.position_table.dtype == dtype
    assert loaded.text_model.model.position_table.device.type == "cpu"


@pytest.mark.parametrize("config", [CLIP, CONV])
def test_a_skeleton_has_every_name_and_shape_and_a_real_position_table(config):
    whole, bare = Kosmos2(config), skeleton(config)
    shapes = {name: value.shape for name, value in whole.state_dict().items()}
    assert {name: value.shape for name, value in bare.state_dict().items()} == shapes
    assert bare.text_model.model.embed_tokens.weight.is_meta
    assert all(value.is_meta for name, value in bare.named_parameters() if name.endswith("fc1.weight"))
    assert torch.equal(bare.text_model.model.position_table, whole.text_model.model.position_table)
    assert not Kosmos2(config).text_model.model.embed_tokens.weight.is_meta


def test_counters_stay_whole_numbers(tmp_path):
    save_model(Kosmos2(CONV), tmp_path)
    loaded = load_model(tmp_path, dtype=torch.bfloat16)
    counters = [value for name, value in loaded.named_buffers() if name.endswith("num_batches_tracked")]
    assert counters
    assert all(value.dtype == torch.int64 for value in counters)
    with pytest.raises(InvalidArgumentError, match="float32"):
        load_model(tmp_path, dtype=torch.int8)


def test_gradients_flow_after_loading(folder):
    loaded = load_model(folder)
    loaded(torch.tensor([[0, 5]])).sum().backward()
    assert loaded.text_model.model.embed_tokens.weight.grad is not None


def test_a_tied_output_head_may_be_stored_but_must_be_tied(folder):
    def add_head(tensors):
        tensors["text_model.lm_head.weight"] = tensors[EMBEDDING].clone()

    def untie(tensors):
        tensors["text_model.lm_head.weight"] = tensors[EMBEDDING] + 1

    edit(folder, add_head)
    load_model(folder)
    edit(folder, untie)
    with pytest.raises(CheckpointError, match="tied"):
        load_model(folder)


def test_original_names_are_accepted(folder, model):
    back = [
        (r"^vision_model\.model\.embeddings\.class_embedding", "img_model.visual.class_embedding"),
        (r"^vision_model\.model\.embeddings\.position_embedding\.weight", "img_model.visual.positional_embedding"),
        (r"^vision_model\.model\.embeddings\.patch_embedding", "img_model.visual.conv1"),
        (
            r"^vision_model\.model\.encoder\.layers\.(\d+)\.self_attn",
            r"img_model.visual.transformer.resblocks.\1.ts_attn",
        ),
        (
            r"^vision_model\.model\.encoder\.layers\.(\d+)\.layer_norm(\d)",
            r"img_model.visual.transformer.resblocks.\1.ln_\2",
        ),
        (
            r"^vision_model\.model\.encoder\.layers\.(\d+)\.mlp\.fc1",
            r"img_model.visual.transformer.resblocks.\1.mlp.c_fc",
        ),
        (
            r"^vision_model\.model\.encoder\.layers\.(\d+)\.mlp\.fc2",
            r"img_model.visual.transformer.resblocks.\1.mlp.c_proj",
        ),
        (r"^vision_model\.model\.pre_layrnorm", "img_model.visual.ln_pre"),
        (r"^vision_model\.model\.post_layernorm", "img_model.visual.ln_post"),
        (r"^image_to_text_projection", "img_connector"),
        (r"^text_model\.model", "gpt_model.decoder"),
    ]

    def to_original(tensors):
        for name in list(tensors):
            old = name
            for pattern, original in back:
                old = re.sub(pattern, original, old)
            assert old != name
            tensors[old] = tensors.pop(name)
        tensors["gpt_model.decoder.output_projection.weight"] = tensors["gpt_model.decoder.embed_tokens.weight"].clone()
        tensors["gpt_model.decoder.embed_positions._float_tensor"] = torch.zeros(1)
        tensors["gpt_model.decoder.self_attn_sope.scale"] = torch.zeros(4)

    edit(folder, to_original)
    assert same(load_model(folder), model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop(EMBEDDING), f"1 missing: {re.escape(EMBEDDING)}"),
        (lambda tensors: tensors.update(extra=torch.zeros(1)), "1 unexpected: extra"),
        (
            lambda tensors: tensors.update({EMBEDDING: torch.zeros(61, 16)}),
            rf"1 misshapen: {re.escape(EMBEDDING)} \(61, 16\) instead of \(60, 16\)",
        ),
        (lambda tensors: tensors.clear() or tensors.update(a=torch.zeros(1)), r"missing: .*, \.\.\.; 1 unexpected: a"),
        (
            lambda tensors: tensors.update({"gpt_model.decoder.embed_tokens.weight": torch.zeros(60, 16)}),
            "a second time",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(folder, change, message):
    edit(folder, change)
    with pytest.raises(CheckpointError, match=message):
        load_model(folder)


def test_truncated_and_foreign_files_are_refused(folder):
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    for broken in (content[:-50], content[:20], b"", b"\x80\x04pickle", b"PK\x03\x04" + bytes(100)):
        weights.write_bytes(broken)
        with pytest.raises(CheckpointError, match=r"model\.safetensors is not a whole safetensors file"):
            load_model(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "checkpoint.pth"])
def test_pickles_are_never_opened(folder, name):
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(CheckpointError, match="holds pickles"):
        load_model(folder)


def test_broken_indexes_are_refused(model, tmp_path):
    save_model(model, tmp_path, max_shard_bytes=2_000)
    index = tmp_path / "model.safetensors.index.json"
    good = json.loads(index.read_text())
    for value, message in (
        ({"weight_map": {"a": "../model.safetensors"}}, "files beside it"),
        ({"weight_map": {"a": "model.bin"}}, "files beside it"),
        ({"weight_map": {}}, "needs a weight_map"),
        ({"weight_map": {"a": "absent.safetensors"}}, r"lacks absent\.safetensors"),
    ):
        index.write_text(json.dumps({**good, **value}))
        with pytest.raises(CheckpointError, match=message):
            load_model(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot read"), ("{", "not JSON"), ("[]", "an object"), ('{"model_type": "llama"}', "valid: kosmos-2")],
)
def test_broken_configurations_are_refused(folder, content, message):
    config = folder / "config.json"
    if content is None:
        config.unlink()
    else:
        config.write_text(content)
    with pytest.raises(CheckpointError, match=message):
        read_config(folder)


def test_companion_files_go_along(model, folder, tmp_path):
    tokenizer = build_word_tokenizer(["cup"])
    (folder / "generation_config.json").write_text('{"no_repeat_ngram_size": 3}')
    (folder / "profile.json").write_text('{"detailed_captions": false, "bfloat16": true}')
    (folder / "notes.txt").write_text("stays")
    save_model(model, tmp_path / "copy", tokenizer=tokenizer, copy_from=folder)
    assert json.loads((tmp_path / "copy" / "generation_config.json").read_text()) == {"no_repeat_ngram_size": 3}
    habits = json.loads((tmp_path / "copy" / "profile.json").read_text())
    assert habits == {"detailed_captions": False}, "what was measured of the old weights says nothing of the new"
    assert not (tmp_path / "copy" / "notes.txt").exists()
    assert load_tokenizer(tmp_path / "copy").encode("cup") == tokenizer.encode("cup")
    with pytest.raises(CheckpointError, match="holds no tokenizer"):
        load_tokenizer(folder)
