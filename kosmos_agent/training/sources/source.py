"""The one thing that training asks of data, and the order in which it asks."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from kosmos_agent.training.rows.sample import Sample

_ROUNDS = 4
_MASK = (1 << 64) - 1


class Source(Protocol):
    """An endless stream of samples with random access.

    `sample(number)` depends on the number alone, so a number is the exact position of a run in its data, whatever the
    count of devices. `len` is one epoch.
    """

    def __len__(self) -> int: ...

    def sample(self, number: int) -> Sample:
        """A coded error where the record behind the number is unusable."""


def shuffled(number: int, count: int, seed: int) -> int:
    """The place of the number-th draw among `count`: every epoch of `count` draws visits all of them, in a new order.

    A Feistel network over the next even power of two, walked until it lands inside: no memory, however many there are.
    """
    epoch, place = divmod(number, count)
    half = max(1, (count - 1).bit_length() + 1 >> 1)
    keys = [_mixed(seed * 0x9E3779B97F4A7C15 + epoch * _ROUNDS + turn) for turn in range(_ROUNDS)]
    while True:
        left, right = place >> half, place & (1 << half) - 1
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & (1 << half) - 1)
        place = left << half | right
        if place < count:
            return place


def dice(seed: int, title: str, number: int) -> np.random.Generator:
    """Random choices of one sample."""
    return np.random.default_rng([seed, *title.encode(), number])


def _mixed(value: int) -> int:
    """64 well-stirred bits (the finaliser of splitmix64)."""
    value &= _MASK
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31
