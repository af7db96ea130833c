"""The model in float32 that holds no weights: each layer reads its own from the file whenever it runs.

Slow, and exact: what an 8-bit model is measured against where float32 weights would not fit beside it.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kosmos_agent.model.checkpoint import StoredTensor, assign, open_checkpoint
from kosmos_agent.model.kosmos2 import Kosmos2

EMBEDDING = "text_model.model.embed_tokens"
_HEAD_ROWS = 8192


class StreamedLinear(nn.Module):
    """peaks: (K,) largest magnitude seen so far in each input channel."""

    def __init__(self, weight: StoredTensor, bias: StoredTensor | None) -> None:
        super().__init__()
        self._weight, self._bias = weight, bias
        self.peaks = torch.zeros(weight.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        self.peaks = torch.maximum(self.peaks, x.detach().abs().flatten(0, -2).amax(dim=0))
        bias = None if self._bias is None else self._bias.read().float()
        return F.linear(x, self._weight.read().float(), bias)


class StreamedHead(nn.Module):
    """The tied output head, a few rows of the embedding at a time."""

    def __init__(self, embedding: StoredTensor) -> None:
        super().__init__()
        self._embedding = embedding

    def forward(self, hidden: Tensor) -> Tensor:
        rows = torch.split(self._embedding.read(), _HEAD_ROWS)
        return torch.cat([F.linear(hidden, part.float()) for part in rows], dim=-1)


def open_streamed(folder: Path) -> Kosmos2:
    """CheckpointError as `load_model`. The embedding stays as it is stored, memory-mapped."""
    model, stored = open_checkpoint(folder)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear):
            bias = stored.pop(f"{name}.bias", None)
            model.set_submodule(name, StreamedLinear(stored.pop(f"{name}.weight"), bias))
    for name, item in stored.items():
        tensor = item.read()
        keeps = name.startswith(EMBEDDING) or not tensor.is_floating_point()
        assign(model, name, tensor if keeps else tensor.float().clone())
    model.head = StreamedHead(stored[f"{EMBEDDING}.weight"])
    model.activation_dtype = torch.float32
    return model.eval()


def channel_peaks(model: Kosmos2) -> dict[str, Tensor]:
    """Of a streamed model, by the name of the layer; see `StreamedLinear`."""
    return {name: module.peaks.clone() for name, module in model.named_modules() if isinstance(module, StreamedLinear)}
