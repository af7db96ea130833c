"""What inference asks of a model, whatever computes it: the torch modules, or graphs that were exported from them."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.config import Kosmos2Config


class Engine(Protocol):
    """`kosmos2.Kosmos2` documents the shapes. Tensors come and go on `device`; pixels are given in `dtype`.

    precision: what most products are computed in, a word for reports.
    """

    @property
    def config(self) -> Kosmos2Config: ...

    @property
    def dtype(self) -> torch.dtype: ...

    @property
    def precision(self) -> str: ...

    @property
    def device(self) -> torch.device: ...

    def encode_image(self, pixels: Tensor) -> Tensor: ...

    def embed(
        self, input_ids: Tensor, image_embeds: Tensor | None = None, image_mask: Tensor | None = None
    ) -> Tensor: ...

    def decode(
        self, embeds: Tensor, positions: Tensor, *, mask: Tensor | None, cache: KVCache | None = None
    ) -> Tensor: ...

    def logits(self, hidden: Tensor, rows: slice | Tensor | None = None) -> Tensor: ...

    def new_cache(self, batch: int, capacity: int) -> KVCache: ...
