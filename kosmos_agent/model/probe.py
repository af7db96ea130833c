"""What a machine computes fastest: some have no instructions for bfloat16 or for 8-bit products, and emulate them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from kosmos_agent.model.int8_kernels import exact_kernels
from kosmos_agent.model.int8_linear import Int8Linear, Int8Weight
from kosmos_agent.model.threads import torch_threads

_ROWS, _WIDTH, _ROUNDS = 64, 1024, 40
_MARGIN = 1.2
"""Less than so many times faster is within the noise."""


@cache
def types_by_speed() -> tuple[str, ...]:
    """float32, and those of int8 and bfloat16 that are clearly faster on this CPU, the fastest first.

    Takes a tenth of a second or so, at one thread: a thread that waits for a neighbour's would be measured with it.
    """
    with torch_threads(1):
        return ranked(least_s(_products()))


def ranked(times_s: Mapping[str, float]) -> tuple[str, ...]:
    """Types down to float32, without those that do not beat it by the margin.

    int8 is first unless bfloat16 beats it by the margin too: a single row waits for its weights, and those are half.
    """
    faster = [name for name in ("int8", "bfloat16") if _MARGIN * times_s.get(name, math.inf) <= times_s["float32"]]
    if len(faster) == 2 and _MARGIN * times_s["bfloat16"] <= times_s["int8"]:
        faster.reverse()
    return (*faster, "float32")


@torch.inference_mode()
def least_s(
    products: Mapping[str, Callable[[], object]], clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Seconds of each, in turn: the least of many rounds, as other work on the machine can only add."""
    times_s: dict[str, list[float]] = {name: [] for name in products}
    for _ in range(_ROUNDS):
        for name, product in products.items():
            started_s = clock()
            product()
            times_s[name].append(clock() - started_s)
    return {name: min(taken) for name, taken in times_s.items()}


def computes_bfloat16(device: str) -> bool:
    """Whether the device has instructions for products in bfloat16: the same at every call, whatever else runs."""
    kind = torch.device(device).type
    if kind == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    return kind == "cpu" and has_native_bfloat16()


def has_native_bfloat16() -> bool:
    """Of this CPU."""
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
