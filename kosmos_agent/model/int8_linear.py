"""A linear layer in 8 bits: weights by output channel, activations by row, a few input channels in full precision."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kosmos_agent.model.int8_kernels import LARGEST, Kernel

_SMALLEST_STEP = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class Int8Weight:
    """W of a linear layer (N outputs, K inputs): codes * scale[:, None], plus `kept` at the input channels `outliers`.

    codes: (N, K) int8, zero at the outliers. scale: (N,) float32. outliers: (J,) int64, J may be 0.
    kept: (N, J) float32.
    """

    codes: Tensor
    scale: Tensor
    outliers: Tensor
    kept: Tensor

    @classmethod
    def of(cls, weight: Tensor, outliers: Tensor) -> Int8Weight:
        """The nearest codes to a finite (N, K) of any float type."""
        kept = weight[:, outliers].float()
        codes, scale = quantize_rows(weight.float().index_fill(1, outliers, 0.0))
        return cls(codes, scale[:, 0], outliers, kept)

    def dequantized(self) -> Tensor:
        """(N, K) float32."""
        whole = self.codes.float() * self.scale[:, None]
        whole[:, self.outliers] = self.kept
        return whole


def quantize_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """(M, K) -> codes (M, K) int8 and steps (M, 1) float32 with x ~ codes * steps, at most half a step off.

    A row that holds NaN or infinity has a step that is neither finite, so that it cannot pass for an answer.
    """
    step = x.abs().amax(dim=1, keepdim=True).float() / LARGEST
    step = step.clamp_min(_SMALLEST_STEP)
    return (x * step.reciprocal()).round_().to(torch.int8), step


class Int8Linear(nn.Module):
    """x (..., K) -> (..., N) in the type of x."""

    def __init__(self, weight: Int8Weight, bias: Tensor | None, kernel: Kernel) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.codes.shape
        self._computes: tuple[Kernel, Any] = (kernel, kernel.prepare(weight.codes))
        self._codes: Tensor | None = weight.codes
        self._changing = threading.Lock()
        self.register_buffer("scale", weight.scale)
        self.register_buffer("bias", bias)
        self.register_buffer("outliers", weight.outliers)
        self.register_buffer("kept", weight.kept)

    scale: Tensor
    bias: Tensor | None
    outliers: Tensor
    kept: Tensor

    @property
    def kernel(self) -> Kernel:
        return self._computes[0]

    def use(self, kernel: Kernel) -> None:
        """From now on, and for good where the kernel does not keep the codes as they are; any thread may ask for it."""
        with self._changing:
            if self._codes is None or kernel.name == self.kernel.name:
                return
            prepared = kernel.prepare(self._codes)
            self._computes = (kernel, prepared)
            if prepared is not self._codes:
                self._codes = None

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features)
        added = self.bias
        if len(self.outliers):
            added = F.linear(rows[:, self.outliers].float(), self.kept, self.bias)
            rows = rows.index_fill(1, self.outliers, 0.0)
        codes, step = quantize_rows(rows)
        kernel, prepared = self._computes
        out = kernel.scaled_product(codes, prepared, self.scale)
        out = out.mul_(step) if added is None else torch.addcmul(added, out, step, out=out)
        return out.to(x.dtype).view(*x.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, outliers={len(self.outliers)}, kernel={self.kernel.name}"
