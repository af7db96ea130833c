"""Parameter names of the original (fairseq) checkpoint -> published names."""

from __future__ import annotations

import re

OUTPUT_HEAD = "text_model.lm_head.weight"
"""Stored by some checkpoints; tied to the token embedding, so it is compared and dropped."""

_IGNORED = re.compile(r"(embed_positions\.(_float_tensor|weights)|self_attn_sope\.scale|embeddings\.position_ids)$")
_PREFIXES = (
    ("gpt_model.decoder.output_projection.", "text_model.lm_head."),
    ("gpt_model.decoder.", "text_model.model."),
    ("img_connector.", "image_to_text_projection."),
    ("img_model.visual.class_embedding", "vision_model.model.embeddings.class_embedding"),
    ("img_model.visual.positional_embedding", "vision_model.model.embeddings.position_embedding.weight"),
    ("img_model.visual.conv1.", "vision_model.model.embeddings.patch_embedding."),
    ("img_model.visual.", "vision_model.model."),
)
_VISION_PARTS = {
    ".ln_pre.": ".pre_layrnorm.",
    ".ln_post.": ".post_layernorm.",
    ".transformer.resblocks.": ".encoder.layers.",
    ".ts_attn.": ".self_attn.",
    ".ln_1.": ".layer_norm1.",
    ".ln_2.": ".layer_norm2.",
    ".c_fc.": ".fc1.",
    ".c_proj.": ".fc2.",
}


def published_name(stored: str) -> str | None:
    """The published name of a stored tensor; None for tables that are computed, never loaded."""
    if _IGNORED.search(stored):
        return None
    for old, new in _PREFIXES:
        if stored.startswith(old):
            name = new + stored[len(old) :]
            return _rename_vision(name) if old.startswith("img_model") else name
    return stored


def _rename_vision(name: str) -> str:
    for old, new in _VISION_PARTS.items():
        name = name.replace(old, new)
    return name
