"""Small random models with a real tokenizer, for tests of decoding and of the faces."""

import torch
from torch import nn

from kosmos_agent.grounder import Grounder
from kosmos_agent.model.config import ClipVisionConfig, ConvVisionConfig, Kosmos2Config, TextConfig
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.tokenizer import build_word_tokenizer

WORDS = ("the", "red", "blue", "cup", "box", "left", "of", "an", "image", "it", "is", "question", "answer", "what")
TOKENIZER = build_word_tokenizer(WORDS)


def tiny_model(
    seed: int = 0, *, location_gain: float = 1.0, conv: bool = False, slots: int = 4, padding: int = 0
) -> Kosmos2:
    """Random weights. `location_gain` makes location tokens likelier, so that boxes come up in free decoding.

    padding: rows of the vocabulary beyond the tokenizer's ids.
    """
    torch.manual_seed(seed)
    vision = (
        ConvVisionConfig((4, 4, 8, 8), (0, 0, 1, 1), 24, 8, 1, 2, image_size=64)
        if conv
        else ClipVisionConfig(24, 40, 2, 3, image_size=28, patch_size=14)
    )
    size = TOKENIZER.size + padding
    text = TextConfig(size, 256, embed_dim=32, layers=2, ffn_dim=48, attention_heads=4, dropout=0.0)
    model = Kosmos2(Kosmos2Config(text, vision, latent_query_num=slots)).eval()
    for name, value in model.named_parameters():
        if value.ndim > 1:
            nn.init.normal_(value, std=0.3)
        elif name.endswith("bias"):
            nn.init.normal_(value, std=0.1)
    with torch.no_grad():
        first = TOKENIZER.first_location_id
        model.text_model.model.embed_tokens.weight[first : TOKENIZER.size] *= location_gain
    return model


def tiny_grounder(seed: int = 0, **options: object) -> Grounder:
    return Grounder(tiny_model(seed, **options), TOKENIZER, name="tiny")
