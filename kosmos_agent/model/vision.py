"""The published vision tower: CLIP ViT-L/14 without its final projection (paper 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kosmos_agent.model.attention import Attention
from kosmos_agent.model.config import ClipVisionConfig


class PatchEmbeddings(nn.Module):
    """Row-major patches behind a class vector, plus learned absolute positions."""

    def __init__(self, config: ClipVisionConfig) -> None:
        super().__init__()
        cells = config.image_size // config.patch_size
        self.class_embedding = nn.Parameter(torch.randn(config.hidden_size) * config.hidden_size**-0.5)
        self.patch_embedding = nn.Conv2d(
            config.num_channels, config.hidden_size, config.patch_size, config.patch_size, bias=False
        )
        self.position_embedding = nn.Embedding(cells * cells + 1, config.hidden_size)

    def forward(self, pixels: Tensor) -> Tensor:
        patches = self.patch_embedding(pixels).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(pixels.shape[0], 1, -1)
        return torch.cat([first, patches], dim=1) + self.position_embedding.weight


class QuickGeluMlp(nn.Module):
    def __init__(self, config: ClipVisionConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))


class VisionLayer(nn.Module):
    def __init__(self, config: ClipVisionConfig) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.self_attn = Attention(config.hidden_size, config.num_attention_heads)
        self.layer_norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = QuickGeluMlp(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class VisionEncoder(nn.Module):
    def __init__(self, config: ClipVisionConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(VisionLayer(config) for _ in range(config.num_hidden_layers))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class ClipTower(nn.Module):
    """(B, 3, S, S) normalised pixels -> (B, 1 + cells^2, hidden); the final norm is on every position."""

    def __init__(self, config: ClipVisionConfig) -> None:
        super().__init__()
        self.embeddings = PatchEmbeddings(config)
        self.pre_layrnorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)  # the published spelling
        self.encoder = VisionEncoder(config)
        self.post_layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.post_layernorm(self.encoder(self.pre_layrnorm(self.embeddings(pixels))))
