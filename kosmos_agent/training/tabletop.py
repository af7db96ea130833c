"""The embedded model's recipe: sizes, tokenizer, objective."""

from __future__ import annotations

import torch

from kosmos_agent.model.config import ConvVisionConfig, Kosmos2Config, TextConfig
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.batches import Collate, Vocabulary
from kosmos_agent.training.initialise import initialise
from kosmos_agent.training.losses import Helpers, LossWeights, Objective

SLOTS = 64


def tabletop_config(vocab_size: int) -> Kosmos2Config:
    """About 5 million parameters at 224 pixels."""
    return Kosmos2Config(
        text=TextConfig(
            vocab_size=vocab_size,
            max_position_embeddings=512,
            embed_dim=192,
            layers=5,
            ffn_dim=768,
            attention_heads=6,
            dropout=0.0,
        ),
        vision=ConvVisionConfig(),
        latent_query_num=SLOTS,
    )


def new_model(tokenizer: Tokenizer, seed: int) -> Kosmos2:
    """An untrained model for the tokenizer. Same seed, same weights."""
    torch.manual_seed(seed)
    model = Kosmos2(tabletop_config(tokenizer.size))
    initialise(model, tokenizer.first_location_id, tokenizer.grid_side)
    return model


def new_objective(
    model: Kosmos2, tokenizer: Tokenizer, vocabulary: Vocabulary, weights: LossWeights | None = None
) -> Objective:
    helpers = Helpers(model.config.vision.hidden_size, model.config.text.embed_dim, vocabulary)
    return Objective(helpers, weights or LossWeights(), tokenizer.first_location_id, tokenizer.grid_side)


def new_collate(
    model: Kosmos2,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    smallest_px: int | None = None,
    row_tokens: int = 288,
) -> Collate:
    slots = model.config.latent_query_num
    return Collate(tokenizer, vocabulary, slots, max_tokens=row_tokens, smallest_px=smallest_px)
