"""From image vectors to the decoder's image slots (paper 3.2; published name `image_to_text_projection`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kosmos_agent.model.attention import Attention


class Resampler(nn.Module):
    """One attention of learned queries over the image vectors *and the queries themselves*; no residual, no norm."""

    def __init__(self, vision_width: int, text_width: int, heads: int, queries: int) -> None:
        super().__init__()
        self.dense = nn.Linear(vision_width, text_width)
        self.latent_query = nn.Parameter(torch.randn(queries, text_width))
        self.x_attn = Attention(text_width, heads)

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, N, vision width), L2-normalised. Returns (B, queries, text width)."""
        queries = self.latent_query.expand(image.shape[0], -1, -1)
        source = self.dense(image)
        queries = queries.to(source.dtype)
        return self.x_attn(queries, keys_from=torch.cat([source, queries], dim=1))
