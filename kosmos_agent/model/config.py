"""Configuration of a Kosmos-2, read from and written to the published `config.json` layout."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from kosmos_agent.errors import CheckpointError

_TEXT_ALIASES = {"hidden_size": "embed_dim", "num_attention_heads": "attention_heads", "num_hidden_layers": "layers"}


@dataclass(frozen=True)
class TextConfig:
    """The decoder. Defaults are the published model's."""

    vocab_size: int = 65037
    max_position_embeddings: int = 2048
    embed_dim: int = 2048
    layers: int = 24
    ffn_dim: int = 8192
    attention_heads: int = 32
    dropout: float = 0.1
    layer_norm_eps: float = 1e-5
    scale_embedding: bool = True
    pad_token_id: int = 1
    bos_token_id: int = 0
    eos_token_id: int = 2
    model_type: str = "kosmos_2_text_model"


@dataclass(frozen=True)
class ClipVisionConfig:
    """The published vision tower, CLIP ViT-L/14."""

    hidden_size: int = 1024
    intermediate_size: int = 4096
    num_hidden_layers: int = 24
    num_attention_heads: int = 16
    num_channels: int = 3
    image_size: int = 224
    patch_size: int = 14
    layer_norm_eps: float = 1e-5
    model_type: str = "kosmos_2_vision_model"


@dataclass(frozen=True)
class ConvVisionConfig:
    """A convolutional tower for small models: `conv_tower.ConvTower` documents the shape.

    Output channels are `content_size` followed by `position_size` channels that hold only where the cell is.
    """

    stage_widths: tuple[int, ...] = (24, 48, 96, 192)
    stage_blocks: tuple[int, ...] = (0, 1, 2, 3)
    content_size: int = 160
    position_size: int = 32
    num_hidden_layers: int = 2
    num_attention_heads: int = 5
    image_size: int = 224
    layer_norm_eps: float = 1e-5
    model_type: str = "kosmos_agent_conv_vision"

    @property
    def hidden_size(self) -> int:
        return self.content_size + self.position_size


VisionConfig = ClipVisionConfig | ConvVisionConfig
_VISION_TYPES: dict[str, type[ClipVisionConfig] | type[ConvVisionConfig]] = {
    "kosmos_2_vision_model": ClipVisionConfig,
    "kosmos_agent_conv_vision": ConvVisionConfig,
}


@dataclass(frozen=True)
class Kosmos2Config:
    """A whole model: vision tower, `latent_query_num` image slots, decoder."""

    text: TextConfig = field(default_factory=TextConfig)
    vision: VisionConfig = field(default_factory=ClipVisionConfig)
    latent_query_num: int = 64

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Kosmos2Config:
        """From a parsed `config.json`; unknown settings are ignored, as the published files hold many."""
        text = dict(data.get("text_config") or {})
        for alias, name in _TEXT_ALIASES.items():
            if alias in text and name not in text:
                text[name] = text[alias]
        activation = text.get("activation_function", "gelu")
        if activation != "gelu":
            raise CheckpointError(f"activation_function {activation!r} is not supported; valid: gelu")
        vision = dict(data.get("vision_config") or {})
        kind = vision.get("model_type") or "kosmos_2_vision_model"
        if kind not in _VISION_TYPES:
            raise CheckpointError(f"vision model_type {kind!r} is unknown; valid: {', '.join(_VISION_TYPES)}")
        return cls(
            text=_pick(TextConfig, text),
            vision=_pick(_VISION_TYPES[kind], vision),
            latent_query_num=int(data.get("latent_query_num", 64)),
        )

    def to_dict(self) -> dict[str, Any]:
        """The published layout, readable by `transformers` when the vision tower is CLIP."""
        return {
            "architectures": ["Kosmos2ForConditionalGeneration"],
            "model_type": "kosmos-2",
            "latent_query_num": self.latent_query_num,
            "text_config": {**asdict(self.text), "activation_function": "gelu"},
            "vision_config": asdict(self.vision),
            "tie_word_embeddings": True,
        }


def _pick(kind: type[Any], data: dict[str, Any]) -> Any:
    known = {item.name for item in fields(kind)}
    chosen = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items() if name in known}
    return kind(**chosen)
