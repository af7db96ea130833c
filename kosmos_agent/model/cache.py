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
        self._check_room(end)
        self.keys[layer, :, :, self.length : end] = key
        self.values[layer, :, :, self.length : end] = value
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def filled(self) -> tuple[Tensor, Tensor]:
        """Views (layers, B, heads, length, d) of all that was written."""
        return self.keys[:, :, :, : self.length], self.values[:, :, :, : self.length]

    def extend(self, keys: Tensor, values: Tensor) -> None:
        """Write (layers, B or 1, heads, T, d) of all layers behind `length`, and advance."""
        end = self.length + keys.shape[3]
        self._check_room(end)
        self.keys[:, :, :, self.length : end] = keys
        self.values[:, :, :, self.length : end] = values
        self.length = end

    def advance(self, count: int) -> None:
        self.length += count

    def fork(self, extra: int, rows: int | None = None) -> KVCache:
        """A copy of the filled part with room for `extra` more positions; the original stays as it is.

        rows: how many copies of its one row stand side by side; without it, the rows that there are.
        """
        copy = self._empty(rows or self.keys.shape[1], self.length + extra)
        copy.extend(*self.filled())
        return copy

    def row(self, index: int) -> KVCache:
        """A copy of one of the rows, as it may be kept for longer than the others."""
        one = self._empty(1, self.length)
        one.extend(*(part[:, index : index + 1] for part in self.filled()))
        return one

    def beginning(self, index: int, length: int) -> KVCache:
        """The first positions of one of the rows, full; a view, or a copy where that would keep much else alive."""
        part = self._empty(1, 0)
        rows = slice(index, index + 1)
        part.keys, part.values = self.keys[:, rows, :, :length], self.values[:, rows, :, :length]
        if self.keys.numel() > 2 * part.keys.numel():
            part.keys, part.values = part.keys.clone(), part.values.clone()
        part.length = length
        return part

    @staticmethod
    def joined(caches: Sequence[KVCache], extra: int) -> KVCache:
        """One row of what several of one row hold, one after another, with room for `extra` more positions."""
        one = caches[0]._empty(1, sum(cache.length for cache in caches) + extra)
        for cache in caches:
            one.extend(*cache.filled())
        return one

    @staticmethod
    def stacked(caches: Sequence[KVCache], extra: int) -> KVCache:
        """The rows of several caches that are filled equally far, copied, with room for `extra` more positions."""
        if len({cache.length for cache in caches}) != 1:
            raise ValueError(f"caches of {[cache.length for cache in caches]} positions; valid: equally many")
        if len(caches) == 1:
            return caches[0].fork(extra)
        filled = zip(*(cache.filled() for cache in caches), strict=True)
        keys, values = (torch.cat(parts, dim=1) for parts in filled)
        whole = caches[0]._empty(keys.shape[1], caches[0].length + extra)
        whole.extend(keys, values)
        return whole

    def _empty(self, batch: int, capacity: int) -> KVCache:
        """Of the same model."""
        layers, _, heads, _, width = self.keys.shape
        return KVCache(layers, batch, heads, capacity, width, dtype=self.keys.dtype, device=self.keys.device)

    def _check_room(self, end: int) -> None:
        if end > self.capacity:
            raise ValueError(f"cache of {self.capacity} positions cannot take {end}")
