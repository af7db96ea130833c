"""Keys and values of what was read so far.

One row may hold several continuations behind a shared prefix: who sees whom is the mask's business, not the cache's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kosmos_agent.model.config import TextConfig


class KVCache:
    """Per layer, keys and values of shape (B, heads, capacity, head width), filled up to `length`."""

    def __init__(
        self,
        layers: int,
        batch: int,
        heads: int,
        capacity: int,
        width: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        shape = (layers, batch, heads, capacity, width)
        self.keys = torch.empty(shape, dtype=dtype, device=device)
        self.values = torch.empty(shape, dtype=dtype, device=device)
        self.length = 0

    @classmethod
    def for_config(
        cls, text: TextConfig, batch: int, capacity: int, *, dtype: torch.dtype, device: torch.device
    ) -> KVCache:
        width = text.embed_dim // text.attention_heads
        return cls(text.layers, batch, text.attention_heads, capacity, width, dtype=dtype, device=device)

    @property
    def capacity(self) -> int:
        return self.keys.shape[3]

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write (B, heads, T, d) behind `length` and return views of all filled so far; `advance` ends the step."""
        end = self.length + key.shape[2]
        if end > self.capacity:
            raise ValueError(f"cache of {self.capacity} positions cannot take {end}")
        self.keys[layer, :, :, self.length : end] = key
        self.values[layer, :, :, self.length : end] = value
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def filled(self) -> tuple[Tensor, Tensor]:
        """Views (layers, B, heads, length, d) of all that was written."""
        return self.keys[:, :, :, : self.length], self.values[:, :, :, : self.length]

    def extend(self, keys: Tensor, values: Tensor) -> None:
        """Write (layers, B, heads, T, d) of all layers behind `length`, and advance."""
        for layer, (key, value) in enumerate(zip(keys, values, strict=True)):
            self.append(layer, key, value)
        self.advance(keys.shape[3])

    def advance(self, count: int) -> None:
        self.length += count

    @classmethod
    def joined(cls, caches: Sequence[KVCache], extra: int) -> KVCache:
        """One row of what several of one row hold, one after another, with room for `extra` more positions."""
        first = caches[0].keys
        layers, _, heads, _, width = first.shape
        length = sum(cache.length for cache in caches)
        one = cls(layers, 1, heads, length + extra, width, dtype=first.dtype, device=first.device)
        for cache in caches:
            end = one.length + cache.length
            one.keys[:, :, :, one.length : end] = cache.keys[:, :, :, : cache.length]
            one.values[:, :, :, one.length : end] = cache.values[:, :, :, : cache.length]
            one.length = end
        return one

    def row(self, index: int) -> KVCache:
        """A copy of one of the rows, as it may be kept for longer than the others."""
        layers, _, heads, _, width = self.keys.shape
        one = KVCache(layers, 1, heads, self.length, width, dtype=self.keys.dtype, device=self.keys.device)
        one.keys[:] = self.keys[:, index : index + 1, :, : self.length]
        one.values[:] = self.values[:, index : index + 1, :, : self.length]
        one.length = self.length
        return one

    def fork(self, extra: int, rows: int | None = None) -> KVCache:
        """A copy of the filled part with room for `extra` more positions; the original stays as it is.

        rows: how many copies of its one row stand side by side; without it, the rows that there are.
        """
        layers, batch, heads, _, width = self.keys.shape
        shape = (layers, rows or batch, heads, self.length + extra, width)
        copy = KVCache(*shape, dtype=self.keys.dtype, device=self.keys.device)
        copy.keys[:, :, :, : self.length] = self.keys[:, :, :, : self.length]
        copy.values[:, :, :, : self.length] = self.values[:, :, :, : self.length]
        copy.length = self.length
        return copy

    @staticmethod
    def stacked(caches: Sequence[KVCache], extra: int) -> KVCache:
        """The rows of several caches that are filled equally far, copied, with room for `extra` more positions."""
        first = caches[0]
        if any(cache.length != first.length for cache in caches):
            raise ValueError(f"caches of {[cache.length for cache in caches]} positions; valid: equally many")
        layers, _, heads, _, width = first.keys.shape
        shape = (layers, sum(cache.keys.shape[1] for cache in caches), heads, first.length + extra, width)
        whole = KVCache(*shape, dtype=first.keys.dtype, device=first.keys.device)
        row = 0
        for cache in caches:
            rows = slice(row, row + cache.keys.shape[1])
            whole.keys[:, rows, :, : first.length] = cache.keys[:, :, :, : first.length]
            whole.values[:, rows, :, : first.length] = cache.values[:, :, :, : first.length]
            row = rows.stop
        whole.length = first.length
        return whole
