"""What can be worked out once before a model is only asked: a batch norm becomes part of its convolution."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from kosmos_agent.model.conv_tower import ConvNorm
from kosmos_agent.model.kosmos2 import Kosmos2


def fold_norms(model: Kosmos2) -> Kosmos2:
    """In place, for asking alone: a folded model has other parameter names and can be neither trained nor saved.

    Weights are multiplied in float32 and laid out as the kernels read them. A tower without batch norms stays as it is.
    """
    for module in model.vision_model.modules():
        if isinstance(module, ConvNorm) and isinstance(module.norm, nn.BatchNorm2d):
            _fold(module, module.norm)
    return model


def _fold(module: ConvNorm, norm: nn.BatchNorm2d) -> None:
    dtype = module.conv.weight.dtype
    fused = fuse_conv_bn_eval(module.conv.float(), norm.float())
    module.conv = fused.to(dtype)
    module.conv.weight.data = module.conv.weight.data.contiguous(memory_format=torch.channels_last)
    module.norm = nn.Identity()
