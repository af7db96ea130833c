"""Kosmos-2 (arXiv 2306.14824): vision tower, resampler and decoder under the published parameter names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.config import ClipVisionConfig, Kosmos2Config, VisionConfig
from kosmos_agent.model.conv_tower import ConvTower
from kosmos_agent.model.decoder import TextModel, positions_from_mask
from kosmos_agent.model.resampler import Resampler
from kosmos_agent.model.vision import ClipTower


class VisionModel(nn.Module):
    """Holds the tower under its published name, `vision_model.model`."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.model: ClipTower | ConvTower = (
            ClipTower(config) if isinstance(config, ClipVisionConfig) else ConvTower(config)
        )

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model(pixels)


class Kosmos2(nn.Module):
    """The model. Shapes: B rows, T tokens, S tokens seen so far, D = embed_dim, L = latent_query_num.

    head: D -> at least the vocabulary; computes the whole output in place of the tied embedding.
    activation_dtype: where it differs from the type of the embedding.
    """

    def __init__(self, config: Kosmos2Config) -> None:
        super().__init__()
        self.config = config
        self.head: nn.Module | None = None
        self.activation_dtype: torch.dtype | None = None
        self._converted: tuple[tuple[slice, torch.dtype], Tensor] | None = None
        self.text_model = TextModel(config.text)
        self.vision_model = VisionModel(config.vision)
        self.image_to_text_projection = Resampler(
            config.vision.hidden_size, config.text.embed_dim, config.text.attention_heads, config.latent_query_num
        )

    @property
    def dtype(self) -> torch.dtype:
        """Of pixels, activations, keys and values."""
        return self.activation_dtype or self.text_model.model.embed_tokens.weight.dtype

    @property
    def precision(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    @property
    def device(self) -> torch.device:
        return self.text_model.model.embed_tokens.weight.device

    def encode_image(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) normalised pixels -> (B, L, D) vectors for the image slots, not yet scaled."""
        return self.resample(self.vision_model(pixels))

    def resample(self, vision_states: Tensor) -> Tensor:
        """(B, N, vision width) -> (B, L, D). Every vector is L2-normalised first, the class vector included."""
        return self.image_to_text_projection(F.normalize(vision_states, dim=-1))

    def embed(self, input_ids: Tensor, image_embeds: Tensor | None = None, image_mask: Tensor | None = None) -> Tensor:
        """(B, T) ids -> (B, T, D); image vectors as `inject` says."""
        return inject(self.text_model.model.embed_tokens(input_ids).to(self.dtype), image_embeds, image_mask)

    def decode(self, embeds: Tensor, positions: Tensor, *, mask: Tensor | None, cache: KVCache | None = None) -> Tensor:
        """Final hidden states (B, T, D); `decoder.Decoder.forward` says what mask and positions hold."""
        return self.text_model.model(embeds, positions, mask=mask, cache=cache)

    def logits(self, hidden: Tensor, rows: slice | Tensor | None = None) -> Tensor:
        """(..., D) -> (..., vocabulary), or only the given rows of the tied output head."""
        if rows is None and self.head is not None:
            return self.head(hidden)[..., : self.config.text.vocab_size]
        return F.linear(hidden, self._head_rows(rows, hidden.dtype))

    def _head_rows(self, rows: slice | Tensor | None, dtype: torch.dtype) -> Tensor:
        """Of an embedding of another type, as beside 8-bit layers, a run that was asked for is kept in `dtype`."""
        weight = self.text_model.model.embed_tokens.weight
        if weight.dtype == dtype or not isinstance(rows, slice):
            return (weight if rows is None else weight[rows]).to(dtype)
        if self._converted is None or self._converted[0] != (rows, dtype):
            self._converted = ((rows, dtype), weight[rows].detach().to(dtype))
        return self._converted[1]

    def forward(
        self,
        input_ids: Tensor,
        *,
        pixels: Tensor | None = None,
        image_embeds: Tensor | None = None,
        image_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Logits (B, T, vocabulary) of whole sequences, without a cache.

        attention_mask: (B, T), 1 for real tokens, 0 for pads on either side; all ones when None.
        """
        if image_embeds is None and pixels is not None:
            image_embeds = self.encode_image(pixels)
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        embeds = self.embed(input_ids, image_embeds, image_mask)
        hidden = self.decode(embeds, positions_from_mask(attention_mask), mask=causal_mask(attention_mask))
        return self.logits(hidden)

    def new_cache(self, batch: int, capacity: int) -> KVCache:
        return KVCache.for_config(self.config.text, batch, capacity, dtype=self.dtype, device=self.device)


def inject(embeds: Tensor, image_embeds: Tensor | None, image_mask: Tensor | None) -> Tensor:
    """(B, T, D) embedded ids; slots where `image_mask` (B, T) is 1 take the rows of `image_embeds` in order.

    InvalidArgumentError when only one of the two is given.
    """
    if (image_embeds is None) != (image_mask is None):
        given, absent = ("pixels or image_embeds", "image_mask") if image_mask is None else ("image_mask", "picture")
        raise InvalidArgumentError(f"{given} without {absent}; valid: both, or neither")
    if image_embeds is None or image_mask is None:
        return embeds
    rows = image_embeds.to(embeds.dtype).reshape(-1, embeds.shape[-1])
    return embeds.masked_scatter(image_mask.bool().unsqueeze(-1), rows)


def causal_mask(attention_mask: Tensor) -> Tensor:
    """(B, T) of 0 and 1 -> bool (B, 1, T, T). A pad sees itself, so that no row of the softmax is empty."""
    length = attention_mask.shape[1]
    triangle = torch.ones(length, length, dtype=torch.bool, device=attention_mask.device).tril()
    own = torch.eye(length, dtype=torch.bool, device=attention_mask.device)
    return ((triangle & attention_mask.bool()[:, None, :]) | own)[:, None]
