"""The causal decoder: sub-LN blocks, fixed sinusoidal positions, output tied to the embedding (paper 3.2; MAGNETO)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kosmos_agent.model.attention import Attention, mask_for_layers
from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.config import TextConfig

PADDING_POSITION = 1
FIRST_POSITION = 2
"""Positions count from padding_idx + 1: the first real token has 2, a pad has 1 (the zero vector)."""


def sinusoidal_table(length: int, width: int) -> Tensor:
    """(length, width) float32: sines then cosines, not interleaved; the padding row is zero."""
    half = width // 2
    frequency = torch.exp(torch.arange(half, dtype=torch.int64).float() * -(math.log(10000) / (half - 1)))
    angle = torch.arange(length, dtype=torch.int64).float()[:, None] * frequency[None]
    table = torch.cat([angle.sin(), angle.cos()], dim=1)
    if width % 2:
        table = F.pad(table, (0, 1))
    table[PADDING_POSITION] = 0
    return table


def positions_from_mask(attention_mask: Tensor) -> Tensor:
    """(B, T) of 0 (pad) and 1 -> position ids: real tokens 2, 3, ...; pads 1, wherever they stand."""
    mask = attention_mask.long()
    return mask.cumsum(dim=1) * mask + PADDING_POSITION


class FeedForward(nn.Module):
    """fc1, exact GELU, sub-LN's inner norm, fc2."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.embed_dim, config.ffn_dim)
        self.fc2 = nn.Linear(config.ffn_dim, config.embed_dim)
        self.ffn_layernorm = nn.LayerNorm(config.ffn_dim, eps=config.layer_norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.ffn_layernorm(F.gelu(self.fc1(x))))


class DecoderLayer(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.self_attn_layer_norm = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        self.self_attn = Attention(config.embed_dim, config.attention_heads, inner_norm_eps=config.layer_norm_eps)
        self.final_layer_norm = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        self.ffn = FeedForward(config)

    def forward(self, x: Tensor, mask: Tensor | None, cache: KVCache | None, layer: int) -> Tensor:
        mixed = self.self_attn(self.self_attn_layer_norm(x), mask=mask, cache=cache, layer=layer)
        x = x + F.dropout(mixed, self.dropout, self.training)
        return x + F.dropout(self.ffn(self.final_layer_norm(x)), self.dropout, self.training)


class Decoder(nn.Module):
    """Embedded tokens in, final hidden states out."""

    position_table: Tensor

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_scale = math.sqrt(config.embed_dim) if config.scale_embedding else 1.0
        self.embed_tokens = nn.Embedding(config.vocab_size, config.embed_dim)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.layer_norm = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        table = sinusoidal_table(config.max_position_embeddings + FIRST_POSITION, config.embed_dim)
        self.register_buffer("position_table", table, persistent=False)

    def _positions_for(self, tokens: int) -> Tensor:
        """The table, grown when a sequence may be longer than the configuration foresees (as published)."""
        rows = tokens + FIRST_POSITION
        if len(self.position_table) < rows:
            self.position_table = sinusoidal_table(rows, self.config.embed_dim).to(self.position_table)
        return self.position_table

    def forward(
        self,
        embeds: Tensor,
        positions: Tensor,
        *,
        mask: Tensor | None,
        cache: KVCache | None = None,
    ) -> Tensor:
        """embeds: (B, T, D), images injected, not scaled. positions: (B, T) from 2.

        mask: bool (B or 1, 1, T, S), True where a query may look; None for one token that sees everything.
        Scaling comes after injection, so it reaches the image vectors too (specification, trap 2).
        """
        table = self._positions_for(embeds.shape[1] if cache is None else cache.capacity)
        x = embeds * self.embed_scale + table[positions].to(embeds.dtype)
        x = F.dropout(x, self.config.dropout, self.training)
        mask = mask_for_layers(mask, x, self.config.attention_heads)
        for index, layer in enumerate(self.layers):
            x = layer(x, mask, cache, index)
        if cache is not None:
            cache.advance(embeds.shape[1])
        return self.layer_norm(x)


class TextModel(nn.Module):
    """Holds the decoder under its published name, `text_model.model`."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.model = Decoder(config)
