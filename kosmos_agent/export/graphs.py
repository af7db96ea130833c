"""The two passes of a Kosmos-2 as graphs: a picture to the vectors of its image slots, tokens behind what was read.

Everything that inference does is one of these: the image prefix is a decoder pass behind an empty past, a batch of
phrases is one packed row with a mask, a decoding step is one token behind a past that grows. The embedding and the
output head are one matrix (`EMBEDDING_FILE`): a look-up before the decoder, a product behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.kosmos2 import Kosmos2

VISION, DECODER = "vision", "decoder"
EMBEDDING_FILE = "embedding.safetensors"
EMBEDDING = "embedding"

Shape = tuple[int | str, ...]
_EXAMPLE_SIZES = {"batch": 2, "rows": 2, "tokens": 5, "past": 3, "total": 8}
"""No two that vary apart are equal, so that a tracer cannot take one for another; total = past + tokens."""


@dataclass(frozen=True)
class Port:
    """An input or output. shape: sizes, or names of sizes that vary; `rows` is `batch` or 1."""

    name: str
    dtype: torch.dtype
    shape: Shape

    def example(self) -> Tensor:
        """Valid values of a small size."""
        sizes = [_EXAMPLE_SIZES[size] if isinstance(size, str) else size for size in self.shape]
        if self.dtype == torch.bool:
            return torch.ones(sizes, dtype=torch.bool).tril(_EXAMPLE_SIZES["past"])
        if self.dtype == torch.int64:
            return torch.arange(2, 2 + sizes[-1]).expand(sizes).contiguous()
        return torch.linspace(-1, 1, max(1, torch.Size(sizes).numel())).view(sizes)


@dataclass(frozen=True)
class Graph:
    """A module that takes its inputs in order, and gives a tuple of outputs or the only one."""

    name: str
    module: nn.Module
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def graphs(model: Kosmos2) -> tuple[Graph, Graph]:
    """The vision and the decoder graph of a float32 model in evaluation mode."""
    return _vision(model), _decoder(model)


def positions_held(config: Kosmos2Config) -> int:
    """Position ids below this have a row in the decoder graph; the torch modules make more when they need them."""
    return config.text.max_position_embeddings + 2


def _vision(model: Kosmos2) -> Graph:
    side, text = model.config.vision.image_size, model.config.text
    pixels = Port("pixels", torch.float32, ("batch", 3, side, side))
    embeds = Port("image_embeds", torch.float32, ("batch", model.config.latent_query_num, text.embed_dim))
    return Graph(VISION, _Vision(model), (pixels,), (embeds,))


def _decoder(model: Kosmos2) -> Graph:
    text = model.config.text
    width = text.embed_dim // text.attention_heads

    def cached(name: str, length: str) -> Port:
        return Port(name, torch.float32, (text.layers, "batch", text.attention_heads, length, width))

    inputs = (
        Port("embeds", torch.float32, ("batch", "tokens", text.embed_dim)),
        Port("positions", torch.int64, ("batch", "tokens")),
        Port("mask", torch.bool, ("rows", 1, "tokens", "total")),
        cached("keys", "past"),
        cached("values", "past"),
    )
    hidden = Port("hidden", torch.float32, ("batch", "tokens", text.embed_dim))
    return Graph(
        DECODER, _Decoder(model), inputs, (hidden, cached("new_keys", "tokens"), cached("new_values", "tokens"))
    )


class _Vision(nn.Module):
    def __init__(self, model: Kosmos2) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model.encode_image(pixels)


class _Decoder(nn.Module):
    def __init__(self, model: Kosmos2) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, embeds: Tensor, positions: Tensor, mask: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        cache = _TracedCache(keys, values)
        hidden = self.model.text_model.model(embeds, positions, mask=mask, cache=cache)
        return hidden, torch.stack(cache.new_keys), torch.stack(cache.new_values)


class _TracedCache:
    """Stands in for `model.cache.KVCache` while the decoder is traced: what is new leaves the graph as an output."""

    capacity = 0
    """Positions have a table of their own size, whatever the cache holds."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self._keys, self._values = keys, values
        self.new_keys: list[Tensor] = []
        self.new_values: list[Tensor] = []

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        self.new_keys.append(key)
        self.new_values.append(value)
        return torch.cat([self._keys[layer], key], dim=2), torch.cat([self._values[layer], value], dim=2)

    def advance(self, count: int) -> None:
        """The caller of the graph does."""
