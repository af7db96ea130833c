"""A folded model, and one with packed layers, answers as the one that it was made of."""

import pytest
import torch
from tiny_kosmos import tiny_model
from torch import nn

from kosmos_agent.grounder import Grounder
from kosmos_agent.model.checkpoint import load_model
from kosmos_agent.model.folder import locate
from kosmos_agent.model.folding import fold_norms
from kosmos_agent.model.packed_layers import PackedConvolution, PackedLinear, pack_layers, works_here


@torch.inference_mode()
def test_the_embedded_tower_sees_the_same_without_its_norms():
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    plain, folded = (load_model(locate("tabletop"), dtype=torch.float32) for _ in range(2))
    fold_norms(folded)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert torch.allclose(folded.vision_model(pixels), plain.vision_model(pixels), atol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize(("dtype", "off_by"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)])
@pytest.mark.parametrize("shape", [(1, 3, 224, 224), (2, 3, 224, 224), (1, 3, 160, 160)])
def test_packed_layers_see_the_same(dtype, off_by, shape):
    if not works_here(dtype):
        pytest.skip(f"no packed layers in {dtype} on this machine")
    pixels = torch.randn(shape, generator=torch.Generator().manual_seed(3)).to(dtype)
    folded, packed = (fold_norms(load_model(locate("tabletop"), dtype=dtype)) for _ in range(2))
    pack_layers(packed)
    assert sum(isinstance(module, PackedConvolution) for module in packed.modules()) == 17
    assert not any(isinstance(module, nn.ReLU) for module in packed.vision_model.modules())
    seen, expected = packed.vision_model(pixels), folded.vision_model(pixels)
    assert (seen - expected).abs().max() < off_by * expected.abs().max()
    parameters = [sum(value.nbytes for value in model.parameters()) for model in (packed, folded)]
    assert parameters[0] == parameters[1], "the weights are still told and counted"
    assert not any(type(module) is nn.Linear for module in packed.modules())
    assert {name for name in folded.state_dict() if "vision" not in name} <= packed.state_dict().keys()


@torch.inference_mode()
def test_packed_layers_write_the_same():
    ids = torch.tensor([[0, 5, 6, 7, 8, 9, 10]])
    plain = tiny_model(3)
    expected = plain(ids)
    packed = pack_layers(plain)
    assert any(isinstance(module, PackedLinear) for module in packed.modules()) == works_here(torch.float32)
    assert torch.allclose(packed(ids), expected, atol=1e-4)


def test_a_large_model_is_not_held_twice(monkeypatch):
    monkeypatch.setattr("kosmos_agent.model.packed_layers.MOST_WEIGHTS", 1000)
    assert not any(isinstance(module, PackedLinear) for module in pack_layers(tiny_model(3)).modules())


def test_where_there_is_no_such_operation_the_model_stays_as_it_is(monkeypatch):
    model = fold_norms(load_model(locate("tabletop"), dtype=torch.float32))
    monkeypatch.setattr("kosmos_agent.model.packed_layers.works_here", lambda dtype: False)
    assert not any(isinstance(module, PackedConvolution) for module in pack_layers(model).modules())


def test_a_tower_without_norms_stays_as_it_is():
    model = tiny_model(1)
    names = list(model.state_dict())
    assert list(fold_norms(model).state_dict()) == names


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_loaded_to_be_asked_is_folded(dtype):
    model = Grounder.load("tabletop", dtype=dtype).model
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert all(parameter.dtype == getattr(torch, dtype) for parameter in model.parameters())
