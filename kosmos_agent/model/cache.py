"""Keys and values of what was read so far.

One row may hold several continuations behind a shared prefix: who sees whom is the mask's business, not the cache's.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import torch
from torch import Tensor


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

    def advance(self, count: int) -> None:
        self.length += count

    def fork(self, extra: int, rows: int | None = None) -> KVCache:
        """A copy of the filled part with room for `extra` more positions; the original stays as it is.

        rows: how many copies of its one row stand side by side; without it, the rows that there are.
        """
        layers, batch, heads, _, width = self.keys.shape
        shape = (layers, rows or batch, heads, self.length + extra, width)
        fork = KVCache(*shape, dtype=self.keys.dtype, device=self.keys.device)
        fork.keys[:, :, :, : self.length] = self.keys[:, :, :, : self.length]
        fork.values[:, :, :, : self.length] = self.values[:, :, :, : self.length]
        fork.length = self.length
        return fork

    def row(self, index: int) -> KVCache:
        """One row, in the same memory: to be read or forked, not to be written to."""
        part = copy(self)
        part.keys, part.values = self.keys[:, index : index + 1], self.values[:, index : index + 1]
        return part

    @staticmethod
    def joined(caches: Sequence[KVCache], extra: int) -> KVCache:
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
