"""Multi-head attention with the published projection names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kosmos_agent.model.cache import KVCache


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, D) -> (B, heads, T, D / heads)."""
    batch, length, width = x.shape
    return x.view(batch, length, heads, width // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, heads, T, d) -> (B, T, heads * d)."""
    return x.transpose(1, 2).flatten(2)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k / sqrt(d)) v over (B, heads, T or S, d).

    mask: bool, True where a query may look, or what `mask_for_layers` made of one.
    """
    if (mask is None and _is_training_on_cpu(query)) or (mask is not None and mask.dim() == 3):
        return _attend_in_products(query, key, value, mask)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def _is_training_on_cpu(x: Tensor) -> bool:
    """Where the fused kernel's backward is several times slower than plain batched products."""
    return torch.is_grad_enabled() and x.requires_grad and x.device.type == "cpu"


def mask_for_layers(mask: Tensor | None, x: Tensor, heads: int) -> Tensor | None:
    """The bool mask (B or 1, 1, T, S) of a whole stack of layers, made ready once.

    On a CPU it becomes a term of the scores, which the fused kernel would make of it in each layer: of the same shape,
    or (B * heads, T, S) while gradients are needed.
    """
    if mask is None or x.device.type != "cpu":
        return mask
    bias = torch.zeros_like(mask, dtype=x.dtype).masked_fill(~mask, torch.finfo(x.dtype).min)
    if not _is_training_on_cpu(x):
        return bias
    batch, _, length, seen = mask.shape
    return bias.expand(len(x) if batch == 1 else batch, heads, length, seen).reshape(-1, length, seen)


def _attend_in_products(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    shape, scale = query.shape, query.shape[-1] ** -0.5
    query, key, value = (part.flatten(0, 1) for part in (query, key, value))
    if bias is None:
        score = torch.bmm(query * scale, key.transpose(1, 2))
    else:
        score = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=scale)
    return torch.bmm(score.softmax(dim=-1), value).view(shape)


class Attention(nn.Module):
    """q, k, v and out projections with biases; `inner_norm` is sub-LN's norm before the output (paper: MAGNETO).

    Where `quantized` has made one layer `qkv_proj` of the three, it serves self-attention in their place.
    """

    def __init__(self, width: int, heads: int, *, inner_norm_eps: float | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        if inner_norm_eps is not None:
            self.inner_attn_ln = nn.LayerNorm(width, eps=inner_norm_eps)

    def forward(
        self,
        x: Tensor,
        *,
        keys_from: Tensor | None = None,
        mask: Tensor | None = None,
        cache: KVCache | None = None,
        layer: int = 0,
    ) -> Tensor:
        """x: (B, T, D). keys_from: (B, S, D), `x` itself when None. mask: bool, broadcast to (B, heads, T, S)."""
        query, key, value = (split_heads(part, self.heads) for part in self._projected(x, keys_from))
        if cache is not None:
            key, value = cache.append(layer, key, value)
        mixed = merge_heads(attend(query, key, value, mask))
        if hasattr(self, "inner_attn_ln"):
            mixed = self.inner_attn_ln(mixed)
        return self.out_proj(mixed)

    def _projected(self, x: Tensor, keys_from: Tensor | None) -> tuple[Tensor, ...]:
        if hasattr(self, "qkv_proj"):
            fused: Tensor = self.get_submodule("qkv_proj")(x)
            return fused.chunk(3, dim=-1)
        source = x if keys_from is None else keys_from
        return self.q_proj(x), self.k_proj(source), self.v_proj(source)
