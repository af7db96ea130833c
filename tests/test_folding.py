"""A folded model answers as the one that it was made of."""

import pytest
import torch
from tiny_kosmos import tiny_model
from torch import nn

from kosmos_agent.grounder import Grounder
from kosmos_agent.model.checkpoint import load_model
from kosmos_agent.model.folder import locate
from kosmos_agent.model.folding import fold_norms


@torch.inference_mode()
def test_the_embedded_tower_sees_the_same_without_its_norms():
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    plain, folded = (load_model(locate("tabletop"), dtype=torch.float32) for _ in range(2))
    fold_norms(folded)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert torch.allclose(folded.vision_model(pixels), plain.vision_model(pixels), atol=1e-4)


def test_a_tower_without_norms_stays_as_it_is():
    model = tiny_model(1)
    names = list(model.state_dict())
    assert list(fold_norms(model).state_dict()) == names


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_loaded_to_be_asked_is_folded(dtype):
    model = Grounder.load("tabletop", dtype=dtype).model
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert all(parameter.dtype == getattr(torch, dtype) for parameter in model.parameters())
