"""Exports of small random models: their graphs compute what torch does, and belong to one set of weights."""

import json

import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.export import onnx_format, openvino_format
from kosmos_agent.export.folder import export_model, open_export
from kosmos_agent.export.graphs import graphs
from kosmos_agent.export.manifest import MANIFEST_FILE, Manifest
from kosmos_agent.export.openvino_int8 import Int8Format
from kosmos_agent.model.checkpoint import save_model
from kosmos_agent.model.fingerprint import weights_sha256
from kosmos_agent.runtime.openvino_engine import OpenVinoEngine

FORMATS = {"openvino": openvino_format, "onnx": onnx_format}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "conv"
    save_model(tiny_model(1, conv=True), folder, tokenizer=TOKENIZER)
    return folder


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "conv"
    export_model(checkpoint, folder, openvino_format)
    return folder


def float32_engine(folder):
    return OpenVinoEngine(folder, Manifest.read(folder), precision="float32", threads=1)


@pytest.fixture(scope="module", params=["conv-openvino", "conv-onnx", "clip-openvino", "clip-onnx"])
def pair(request, tmp_path_factory):
    """The torch model and its export in float32, of both towers and formats."""
    tower, written_as = request.param.split("-")
    model, root = tiny_model(3, conv=tower == "conv"), tmp_path_factory.mktemp("pairs")
    save_model(model, root / "model", tokenizer=TOKENIZER)
    export_model(root / "model", root / "export", FORMATS[written_as])
    return model, float32_engine(root / "export")


@pytest.mark.parametrize("count", [1, 3])
@torch.inference_mode()
def test_pictures_become_the_same_image_vectors(pair, count):
    model, engine = pair
    pixels = torch.randn(count, 3, model.config.vision.image_size, model.config.vision.image_size)
    torch.testing.assert_close(engine.encode_image(pixels), model.encode_image(pixels), atol=1e-4, rtol=1e-4)


def rows(batch, tokens, seen, generator):
    """Random tokens, their places, and a mask with holes in which each sees itself."""
    embeds = torch.randn(batch, tokens, 32, generator=generator)
    positions = torch.randint(2, 90, (batch, tokens), generator=generator)
    mask = torch.rand(batch, 1, tokens, seen + tokens, generator=generator) < 0.7
    mask[..., seen:] |= torch.eye(tokens, dtype=torch.bool)
    return embeds, positions, mask


@pytest.mark.parametrize("batch", [1, 4])
@torch.inference_mode()
def test_a_growing_cache_of_masked_rows_gives_the_same_states(pair, batch):
    model, engine = pair
    generator = torch.Generator().manual_seed(batch)
    caches = [one.new_cache(batch, 32) for one in pair]
    for tokens in (7, 12, 1, 5):
        embeds, positions, mask = rows(batch, tokens, caches[0].length, generator)
        ours, theirs = (
            one.decode(embeds, positions, mask=mask, cache=cache) for one, cache in zip(pair, caches, strict=True)
        )
        torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(engine.logits(theirs), model.logits(ours), atol=1e-3, rtol=1e-3)
    assert caches[0].length == caches[1].length == 25
    for one, other in zip(caches[0].filled(), caches[1].filled(), strict=True):
        torch.testing.assert_close(other, one, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_one_mask_serves_all_rows_and_none_is_one_that_hides_nothing(pair):
    model, engine = pair
    embeds, positions, _ = rows(3, 1, 0, torch.Generator().manual_seed(0))
    open_mask = torch.ones(1, 1, 1, 1, dtype=torch.bool)
    wanted = model.decode(embeds, positions, mask=None)
    for mask in (None, open_mask):
        torch.testing.assert_close(engine.decode(embeds, positions, mask=mask), wanted, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_ids_and_image_vectors_are_embedded_alike(pair):
    model, engine = pair
    ids, image_mask = torch.arange(8)[None], torch.tensor([[0, 1, 1, 1, 1, 0, 0, 0]])
    image = torch.randn(1, 4, 32)
    torch.testing.assert_close(engine.embed(ids, image, image_mask), model.embed(ids, image, image_mask))
    with pytest.raises(InvalidArgumentError, match="without image_mask"):
        engine.embed(ids, image)


@torch.inference_mode()
def test_convolutions_in_8_bits_stay_close_and_the_decoder_is_untouched(checkpoint, exported, tmp_path):
    model = tiny_model(1, conv=True)
    pictures = [torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) for seed in range(4)]
    manifest = export_model(checkpoint, tmp_path / "int8", Int8Format(pictures))
    engine = float32_engine(tmp_path / "int8")
    assert (manifest.precision, engine.precision) == ("int8", "int8")
    wanted = model.encode_image(pictures[0])
    difference = (engine.encode_image(pictures[0]) - wanted).norm() / wanted.norm()
    assert 1e-6 < difference < 0.1
    assert (tmp_path / "int8" / "decoder.bin").read_bytes() == (exported / "decoder.bin").read_bytes()


@torch.inference_mode()
def test_a_position_that_the_graph_does_not_hold_is_refused(exported):
    engine = float32_engine(exported)
    embeds = torch.zeros(1, 1, 32)
    engine.decode(embeds, torch.tensor([[257]]), mask=None)
    with pytest.raises(InvalidArgumentError, match="more than 256 tokens"):
        engine.decode(embeds, torch.tensor([[258]]), mask=None)


def test_the_manifest_says_what_goes_in_and_of_which_weights_it_is(checkpoint, exported):
    manifest = open_export(exported, checkpoint)
    assert manifest.weights_sha256 == weights_sha256(checkpoint)
    assert manifest.versions.keys() == {"kosmos_agent", "torch", "openvino"}
    assert manifest.graphs["vision"].inputs["pixels"].shape == ("batch", 3, 64, 64)
    assert manifest.graphs["decoder"].inputs["mask"].shape == ("rows", 1, "tokens", "total")
    assert manifest.graphs["decoder"].outputs["new_keys"].shape == (2, "batch", 4, "tokens", 8)
    assert {path.name for path in exported.iterdir()} == {*manifest.files, MANIFEST_FILE}


def test_sizes_that_vary_apart_differ_in_the_example():
    """Equal ones would be taken for one size by a tracer."""
    for graph in graphs(tiny_model(1)):
        sizes = {}
        for port in graph.inputs:
            for name, size in zip(port.shape, port.example().shape, strict=True):
                assert sizes.setdefault(name, size) == size
        outputs = graph.module(*(port.example() for port in graph.inputs))
        for port, value in zip(graph.outputs, [outputs] if torch.is_tensor(outputs) else outputs, strict=True):
            assert [sizes.get(size, size) for size in port.shape] == list(value.shape)


def test_other_weights_and_another_configuration_are_refused(checkpoint, exported, tmp_path):
    save_model(tiny_model(2, conv=True), tmp_path / "other", tokenizer=TOKENIZER)
    with pytest.raises(CheckpointError, match="exported from weights"):
        open_export(exported, tmp_path / "other")
    save_model(tiny_model(1, conv=True), tmp_path / "same", tokenizer=TOKENIZER)
    open_export(exported, tmp_path / "same")
    config = json.loads((tmp_path / "same" / "config.json").read_text())
    config["text_config"]["layer_norm_eps"] = 1e-3
    (tmp_path / "same" / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"another config\.json"):
        open_export(exported, tmp_path / "same")


def damaged(exported, tmp_path, name, change):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in exported.iterdir():
        (copy / path.name).write_bytes(change(path.read_bytes()) if path.name == name else path.read_bytes())
    return copy


@pytest.mark.parametrize("name", ["decoder.bin", "vision.xml", "embedding.safetensors"])
def test_a_file_that_was_cut_or_changed_is_named(checkpoint, exported, tmp_path, name):
    copy = damaged(exported, tmp_path, name, lambda data: data[:-1])
    with pytest.raises(CheckpointError, match=name):
        open_export(copy, checkpoint)
    (copy / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        open_export(copy, checkpoint)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"{",
        lambda data: data.replace(b'"format": "openvino"', b'"format": "pickle"'),
        lambda data: data.replace(b'"decoder.bin"', b'"../decoder.bin"'),
        lambda data: data.replace(b'"version": 1', b'"version": 2'),
        lambda data: data + b" " * (1 << 20),
    ],
)
def test_a_manifest_of_another_kind_is_refused(checkpoint, exported, tmp_path, change):
    with pytest.raises(CheckpointError, match=MANIFEST_FILE):
        open_export(damaged(exported, tmp_path, MANIFEST_FILE, change), checkpoint)


def test_a_folder_without_a_manifest_is_no_export(checkpoint, tmp_path):
    with pytest.raises(CheckpointError, match="no export"):
        open_export(tmp_path, checkpoint)


class OneFile:
    """Writes graphs as their names."""

    FORMAT = "onnx"
    precision = "float32"

    def version(self):
        return "0"

    def write(self, graph, folder):
        (folder / f"{graph.name}.onnx").write_text(graph.name)
        return [f"{graph.name}.onnx"]


class Failing(OneFile):
    def write(self, graph, folder):
        super().write(graph, folder)
        raise RuntimeError("the converter gave up")


def test_an_older_export_is_replaced_and_anything_else_is_left_alone(checkpoint, tmp_path):
    for _ in range(2):
        export_model(checkpoint, tmp_path / "out", OneFile())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    for taken in (tmp_path / "mine", tmp_path / "mine" / "notes.txt"):
        with pytest.raises(InvalidArgumentError, match="holds something else"):
            export_model(checkpoint, taken, OneFile())
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_an_export_that_fails_leaves_the_older_one_and_no_rest(checkpoint, tmp_path):
    export_model(checkpoint, tmp_path / "out", OneFile())
    with pytest.raises(RuntimeError):
        export_model(checkpoint, tmp_path / "out", Failing())
    open_export(tmp_path / "out", checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
