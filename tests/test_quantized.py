"""Models in 8 bits: which layers, what is written, what is loaded, how near to float32, what is held meanwhile."""

import gc
import weakref

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_kosmos import TOKENIZER, tiny_model
from torch import nn

from kosmos_agent.errors import CheckpointError
from kosmos_agent.inference.agreement import sample_answers
from kosmos_agent.model.checkpoint import load_model, save_model
from kosmos_agent.model.int8_kernels import PlainKernel, exact_kernels
from kosmos_agent.model.int8_linear import Int8Linear
from kosmos_agent.model.packing import AT_ONCE, int8_layers, pack, pack_in_background
from kosmos_agent.model.quantized import (
    HEAD,
    MOST_OUTLIERS,
    OUTLIER_RATIO,
    REST_FILE,
    linear_layers,
    load_quantized,
    outlier_channels,
    write_quantized,
)
from kosmos_agent.model.streamed import StreamedLinear, channel_peaks, open_streamed
from kosmos_agent.processor import Processor

PIXELS = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(0))
IDS = torch.tensor([[0, 4, 5, 6, 7, 20, 21, 22]])
SLOTS = torch.tensor([[0, 1, 1, 1, 1, 0, 0, 0]])


def logits(model, pixels=PIXELS):
    with torch.inference_mode():
        return model(IDS, pixels=pixels.to(model.dtype), image_mask=SLOTS)


@pytest.fixture
def folder(tmp_path):
    """A tiny CLIP model with a vocabulary so large that its head is quantised."""
    save_model(tiny_model(3, padding=8192), tmp_path / "model", tokenizer=TOKENIZER)
    return tmp_path / "model"


def quantised(folder, peaks=None):
    target = folder.parent / "int8"
    target.mkdir(exist_ok=True)
    write_quantized(folder, target, peaks)
    return sorted(target.glob("*.safetensors"))


def test_every_linear_layer_and_the_large_head_are_in_8_bits(folder):
    model = load_quantized(folder, quantised(folder))
    assert not [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    layer = model.text_model.model.layers[0]
    assert (layer.self_attn.qkv_proj.in_features, layer.self_attn.qkv_proj.out_features) == (32, 96)
    assert not hasattr(layer.self_attn, "q_proj")
    assert isinstance(model.head, Int8Linear)
    assert model.text_model.model.embed_tokens.weight.dtype == torch.bfloat16
    assert model.text_model.model.layer_norm.weight.dtype == model.dtype == torch.float32


def test_a_small_head_and_the_codes_of_places_stay_as_they_are(tmp_path):
    for conv in (False, True):
        names = linear_layers(tiny_model(1, conv=conv))
        assert HEAD not in names
        assert not [name for name in names if "position_embedding" in name]
        assert "image_to_text_projection.x_attn.q_proj" in names, "its keys come from elsewhere"


def test_answers_are_near_float32_and_weights_are_the_nearest_codes(folder):
    model, reference = load_quantized(folder, quantised(folder)), load_model(folder)
    found, expected = logits(model), logits(reference)
    assert found.shape == expected.shape
    assert (found - expected).norm() / expected.norm() < 0.05
    rows = slice(30, 40)
    hidden = torch.randn(3, 32, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(model.logits(hidden, rows), reference.logits(hidden, rows), atol=0.05)


def test_a_conv_tower_is_quantised_too(tmp_path):
    save_model(tiny_model(2, conv=True), tmp_path / "model", tokenizer=TOKENIZER)
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    model, reference = load_quantized(tmp_path / "model", quantised(tmp_path / "model")), load_model(tmp_path / "model")
    found, expected = logits(model, pixels), logits(reference, pixels)
    assert (found - expected).norm() / expected.norm() < 0.05


def test_loading_with_each_kernel_gives_the_same_bits(folder):
    files = quantised(folder)
    first, *others = (logits(load_quantized(folder, files, kernel=kernel)) for kernel in exact_kernels("cpu"))
    assert all(torch.equal(first, other) for other in others)


def test_packing_changes_no_bit(folder):
    model = load_quantized(folder, quantised(folder))
    before, kernel = logits(model), exact_kernels("cpu")[-1]
    assert {layer.kernel.name for layer in int8_layers(model)} == {PlainKernel.name}
    pack(model, kernel)
    assert {layer.kernel.name for layer in int8_layers(model)} == {kernel.name}
    assert torch.equal(logits(model), before)


def test_small_models_are_packed_at_once_and_large_ones_by_a_thread(folder, monkeypatch):
    files, kernel = quantised(folder), exact_kernels("cpu")[-1]
    small, large = load_quantized(folder, files), load_quantized(folder, files)
    assert pack_in_background(small, kernel) is None
    monkeypatch.setattr("kosmos_agent.model.packing.AT_ONCE", 0)
    thread = pack_in_background(large, kernel)
    assert thread is not None
    expected = logits(small)
    assert torch.equal(logits(large), expected)
    assert {layer.kernel.name for layer in int8_layers(large)} == {PlainKernel.name}, "the first answer is let pass"
    assert torch.equal(logits(large), expected)
    assert torch.equal(logits(large), expected)
    thread.join()
    assert {layer.kernel.name for layer in int8_layers(large)} == {kernel.name}
    assert AT_ONCE > 0


def test_a_model_that_is_no_longer_used_is_let_go_of(folder, monkeypatch):
    monkeypatch.setattr("kosmos_agent.model.packing.AT_ONCE", 0)
    monkeypatch.setattr("kosmos_agent.model.packing._PATIENCE_S", 0.1)
    model = load_quantized(folder, quantised(folder))
    thread = pack_in_background(model, exact_kernels("cpu")[-1])
    gone = weakref.ref(model)
    del model
    thread.join()
    gc.collect()
    assert gone() is None


def test_the_streamed_model_is_float32_and_holds_no_weights(folder):
    streamed, reference = open_streamed(folder), load_model(folder, dtype=torch.float32)
    assert torch.allclose(logits(streamed), logits(reference), atol=1e-5)
    held = {name for name, value in streamed.named_parameters() if value.ndim == 2}
    assert held == {
        "text_model.model.embed_tokens.weight",
        "vision_model.model.embeddings.position_embedding.weight",
        "image_to_text_projection.latent_query",
    }


def test_peaks_are_the_largest_magnitudes_of_each_input_channel():
    layer = tiny_model(1).text_model.model.layers[0].ffn.fc1
    seen = StreamedLinear(_Stored(layer.weight), _Stored(layer.bias))
    x = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    for part in x:
        assert torch.allclose(seen(part[None]), layer(part[None]), atol=1e-6)
    assert torch.equal(seen.peaks, x.abs().amax(dim=(0, 1)))


class _Stored:
    """A tensor that is at hand, where one in a file is expected."""

    def __init__(self, tensor):
        self.tensor, self.shape = tensor.detach(), tuple(tensor.shape)

    def read(self):
        return self.tensor


def test_channels_far_above_the_others_are_outliers():
    peaks = torch.ones(64)
    assert len(outlier_channels(peaks)) == 0
    peaks[[9, 3]] = 1.01 * OUTLIER_RATIO
    assert outlier_channels(peaks).tolist() == [3, 9]
    peaks[:20] = 100
    assert len(outlier_channels(peaks)) == 64 * MOST_OUTLIERS


def test_outliers_that_were_seen_are_kept_in_the_file(folder):
    streamed = open_streamed(folder)
    sample_answers(streamed, Processor.for_config(TOKENIZER, streamed.config))
    peaks = channel_peaks(streamed)
    name = "text_model.model.layers.0.ffn.fc1"
    assert (peaks[name] > 0).all()
    peaks[name][7] = 1000.0
    model = load_quantized(folder, quantised(folder, peaks))
    layer = model.get_submodule(name)
    assert layer.outliers.tolist() == [7]
    assert torch.equal(layer.kept[:, 0], load_model(folder).get_submodule(name).weight[:, 7])


def test_no_file_holds_more_than_one_layer_of_the_model(folder):
    """So that the mapping of each can go when it is packed, and writing holds one at a time."""
    for file in quantised(folder):
        names = {name for name in load_file(file) if ".layers." in name}
        if file.name != REST_FILE:
            assert len({name.split(".layers.")[0] + name.split(".layers.")[1].split(".")[0] for name in names}) <= 1


def test_nothing_but_codes_keeps_a_file_mapped(folder):
    """A scale that is a view into the file would keep all of it in memory."""
    model = load_quantized(folder, quantised(folder), kernel=exact_kernels("cpu")[-1])
    for layer in int8_layers(model):
        for tensor in layer.buffers():
            assert tensor.untyped_storage().nbytes() == tensor.nbytes


@pytest.mark.parametrize("which", [REST_FILE, "layers-000.safetensors"])
def test_files_that_are_missing_cut_short_or_of_another_model_are_refused(folder, which):
    files = quantised(folder)
    with pytest.raises(CheckpointError, match="lack"):
        load_quantized(folder, [file for file in files if file.name != which])
    file = files[0].parent / which
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=f"{which} is not a whole"):
        load_quantized(folder, files)
    save_file({"other.weight": torch.zeros(2)}, file)
    with pytest.raises(CheckpointError):
        load_quantized(folder, files)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = tiny_model(1)
    with torch.no_grad():
        model.text_model.model.layers[1].ffn.fc2.weight[3, 4] = torch.nan
    save_model(model, tmp_path / "model", tokenizer=TOKENIZER)
    with pytest.raises(CheckpointError, match=r"layers\.1\.ffn\.fc2\.weight .*not finite"):
        quantised(tmp_path / "model")
