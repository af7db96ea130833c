"""Products of 8-bit codes, exact in 32-bit integers, by what this machine can do.

`PlainKernel` is `torch._int_mm`, on every device. `PackedKernel` is oneDNN's, on CPUs: it keeps the weights in blocks
of its own, which `_int_mm` would have to make again at every call; for 2 to 32 rows it is 1.5 to 5 times faster.
A kernel is used only after it has computed products of the largest codes exactly: some CPUs without 8-bit dot products
saturate half-way through a sum.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST = 127
MULTIPLE = 8
"""Rows and columns of weights come in multiples of it: cuBLAS takes no others."""

_CUDA_ROWS = 32
_ZERO_POINT = 128


class Kernel(Protocol):
    """codes: (M, K) int8, weight: (N, K) int8, both within +-127; scale: (N,) float32."""

    name: str

    def prepare(self, weight: Tensor) -> Any:
        """The weight as this kernel wants to have it; may be the tensor itself."""
        ...

    def scaled_product(self, codes: Tensor, prepared: Any, scale: Tensor) -> Tensor:
        """(M, N) float32: codes @ weight.T * scale."""
        ...


class PlainKernel:
    """`torch._int_mm` on weights that stay as they are stored, memory-mapped or not."""

    name = "plain"

    def prepare(self, weight: Tensor) -> Tensor:
        return weight

    def scaled_product(self, codes: Tensor, prepared: Tensor, scale: Tensor) -> Tensor:
        product = product_on_cpu if codes.device.type == "cpu" else product_elsewhere
        out = torch.empty(len(codes), len(scale), device=codes.device)
        return torch.mul(product(codes, prepared), scale, out=out)


def product_on_cpu(codes: Tensor, weight: Tensor) -> Tensor:
    """One row is a matrix-vector product. For more, the weight stands on the left: there it needs no reordering."""
    if len(codes) == 1:
        return torch._int_mm(codes, weight.t())
    return torch._int_mm(weight, _padded(codes, 2 * MULTIPLE).t())[:, : len(codes)].t()


def product_elsewhere(codes: Tensor, weight: Tensor) -> Tensor:
    """cuBLAS wants more than 16 rows, and multiples of 8 of everything."""
    return torch._int_mm(_padded(codes, _CUDA_ROWS), weight.t())[: len(codes)]


def _padded(codes: Tensor, multiple: int) -> Tensor:
    """Rows of zeros behind, as ragged numbers of rows are slow on CPUs and refused elsewhere."""
    return F.pad(codes, (0, 0, 0, -len(codes) % multiple))


class PackedKernel:
    """oneDNN's linear layer over 8-bit codes. It wants them without a sign: code + 128, with 128 as zero."""

    name = "packed"

    def __init__(self) -> None:
        self._zeros: dict[int, Tensor] = {}

    def prepare(self, weight: Tensor) -> Any:
        return torch.ops.onednn.qlinear_prepack(weight, None)

    def scaled_product(self, codes: Tensor, prepared: Any, scale: Tensor) -> Tensor:
        unsigned = codes.bitwise_xor(-_ZERO_POINT).view(torch.uint8)
        zeros = self._zeros.get(len(scale))
        if zeros is None:
            zeros = self._zeros[len(scale)] = torch.zeros(len(scale), dtype=torch.int64)
        return torch.ops.onednn.qlinear_pointwise(
            unsigned, 1.0, _ZERO_POINT, prepared, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )


@cache
def exact_kernels(device_type: str) -> tuple[Kernel, ...]:
    """Those that can be relied on here, the one that needs no preparation first, the fastest last."""
    kernels: tuple[Kernel, ...] = (PlainKernel(), PackedKernel()) if device_type == "cpu" else (PlainKernel(),)
    return tuple(kernel for kernel in kernels if is_exact(kernel, device_type))


def is_exact(kernel: Kernel, device_type: str) -> bool:
    """Whether sums of the largest products, for one row and for several, come out to the last unit."""
    inputs, outputs = 4 * LARGEST, 16
    weight = torch.full((outputs, inputs), LARGEST, dtype=torch.int8)
    weight[1::2] *= -1
    weight[2:, ::3] = -LARGEST
    codes = weight[:5].roll(1, dims=1)
    scale = torch.ones(outputs, device=device_type)
    expected = codes.long() @ weight.long().t()
    try:
        prepared = kernel.prepare(weight.to(device_type))
        products = [kernel.scaled_product(codes[:rows].to(device_type), prepared, scale).cpu() for rows in (1, 2, 5)]
    except (RuntimeError, NotImplementedError, AttributeError):  # what torch raises where it has no such operation
        return False
    return all(torch.equal(product.long(), expected[: len(product)]) for product in products)
