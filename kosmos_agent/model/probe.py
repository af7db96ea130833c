"""What this CPU computes fastest: some have no instructions for bfloat16 or for 8-bit products, and emulate them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from kosmos_agent.model.int8_kernels import exact_kernels
from kosmos_agent.model.int8_linear import Int8Linear, Int8Weight

_ROWS, _WIDTH, _ROUNDS = 64, 1024, 5


@cache
def types_by_speed() -> tuple[str, ...]:
    """float32, and those of int8 and bfloat16 that are faster here, the fastest first. Takes milliseconds."""
    times_s = {name: _best_s(product) for name, product in _products().items()}
    faster = [name for name in times_s if times_s[name] <= times_s["float32"]]
    return tuple(sorted(faster, key=lambda name: times_s[name]))


def has_native_bfloat16() -> bool:
    """Whether this CPU has instructions for products in bfloat16: the same answer at every call, whatever else runs."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, lambda: False)()) for name in names)


@torch.inference_mode()
def _products() -> dict[str, Callable[[], Tensor]]:
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(rows, _WIDTH, generator=generator) for rows in (_ROWS, _WIDTH))
    x16, weight16 = x.bfloat16(), weight.bfloat16()
    products: dict[str, Callable[[], Tensor]] = {
        "float32": lambda: F.linear(x, weight),
        "bfloat16": lambda: F.linear(x16, weight16),
    }
    if kernels := exact_kernels("cpu"):
        layer = Int8Linear(Int8Weight.of(weight, torch.zeros(0, dtype=torch.long)), None, kernels[-1])
        products["int8"] = lambda: layer(x)
    return products


@torch.inference_mode()
def _best_s(product: Callable[[], Tensor]) -> float:
    """The least of a few, as other work on the machine can only add."""
    times_s = []
    for _ in range(_ROUNDS):
        started_s = time.perf_counter()
        product()
        times_s.append(time.perf_counter() - started_s)
    return min(times_s)
