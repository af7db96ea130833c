"""Layers of a small folded model as oneDNN wants them: weights in its own blocks, sums and rectifiers on the way out.

A plain layer puts its weights into those blocks at every call. For asking alone, on CPUs.
"""

from __future__ import annotations

from functools import cache
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kosmos_agent.model.conv_tower import ConvNorm, ConvTower, ResidualBlock
from kosmos_agent.model.kosmos2 import Kosmos2

MOST_WEIGHTS = 1 << 26


class PackedConvolution(nn.Module):
    """conv(x), plus `other` where it is given, rectified where `rectified`. channels_last in and out.

    side: height and width of the pictures that are expected; others are taken too.
    """

    def __init__(self, conv: nn.Conv2d, side: int, *, rectified: bool) -> None:
        super().__init__()
        self.conv, self.rectified = conv, rectified
        self._shape = [list(cast("tuple[int, int]", part)) for part in (conv.padding, conv.stride, conv.dilation)]
        self._packed = torch.ops.aten.mkldnn_reorder_conv2d_weight(
            conv.weight.detach().contiguous().to_mkldnn(), *self._shape, conv.groups, [1, conv.in_channels, side, side]
        )

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        convolve, last = torch.ops.mkldnn._convolution_pointwise, "relu" if self.rectified else "none"
        asked = (self._packed, self.conv.bias, *self._shape, self.conv.groups)
        if other is None:
            return convolve(x, *asked, last, [], "")
        return convolve.binary(x, other, *asked, "add", 1.0, last if self.rectified else None, [], "")


class PackedBlock(nn.Module):
    """A `ResidualBlock` without norms."""

    def __init__(self, block: ResidualBlock, side: int) -> None:
        super().__init__()
        self.first = PackedConvolution(block.first.conv, side, rectified=True)
        self.second = PackedConvolution(block.second.conv, side, rectified=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x), x)


class PackedLinear(nn.Linear):
    """Its parameters are those of `linear`, under the same names."""

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self._packed, self.bias, "none", [], "")


def pack_layers(model: Kosmos2) -> Kosmos2:
    """In place, of a folded model. One so large that it should not be held twice is left; so is any without oneDNN."""
    weights = sum(parameter.numel() for parameter in model.parameters())
    if weights <= MOST_WEIGHTS and model.device.type == "cpu" and works_here(model.dtype):
        tower = model.vision_model.model
        if isinstance(tower, ConvTower):
            _pack_tower(tower, model.config.vision.image_size)
        for parent in list(model.modules()):
            for name, layer in list(parent.named_children()):
                if type(layer) is nn.Linear:
                    setattr(parent, name, PackedLinear(layer))
    return model


def _pack_tower(tower: ConvTower, side: int) -> None:
    for index, stage in enumerate(tower.stages):
        tower.stages[index] = _packed_stage(cast("nn.Sequential", stage), side)
        side //= 2
    tower.project = cast("nn.Conv2d", PackedConvolution(tower.project, side, rectified=False))


def _packed_stage(stage: nn.Sequential, side: int) -> nn.Sequential:
    """Its first convolution halves a picture of `side` x `side`; the rectifier behind it becomes part of it."""
    entry, _, *blocks = stage
    packed = (PackedBlock(cast("ResidualBlock", block), side // 2) for block in blocks)
    return nn.Sequential(PackedConvolution(cast("ConvNorm", entry).conv, side, rectified=True), *packed)


@cache
def works_here(dtype: torch.dtype) -> bool:
    """Whether such layers give what plain ones do on this machine."""
    conv = nn.Conv2d(8, 8, 3, padding=1, dtype=dtype, device="meta").to_empty(device="cpu").requires_grad_(False)
    linear = nn.Linear(8, 16, dtype=dtype, device="meta").to_empty(device="cpu").requires_grad_(False)
    for weight in (*conv.parameters(), *linear.parameters()):
        weight.copy_(torch.linspace(-0.3, 0.5, weight.numel()).view_as(weight))
    x = torch.linspace(-1, 1, 8 * 64).view(1, 8, 8, 8).to(dtype).contiguous(memory_format=torch.channels_last)
    try:
        found = PackedConvolution(conv, 8, rectified=True)(x, x), PackedLinear(linear)(x[0])
    except (RuntimeError, NotImplementedError, AttributeError):  # what torch raises where it has no such operation
        return False
    expected = F.relu(conv(x) + x), linear(x[0])
    pairs = zip(found, expected, strict=True)
    return all(torch.allclose(ours.float(), plain.float(), atol=0.05, rtol=0.02) for ours, plain in pairs)
