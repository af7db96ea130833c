"""Configuration of a Kosmos-2, read from and written to the published `config.json` layout."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from kosmos_agent.errors import CheckpointError

_MOST = 2**20
Count = Annotated[int, Field(ge=1, le=_MOST)]
CountOrZero = Annotated[int, Field(ge=0, le=_MOST)]
Epsilon = Annotated[float, Field(gt=0, lt=1)]

_TEXT_ALIASES = {"hidden_size": "embed_dim", "num_attention_heads": "attention_heads", "num_hidden_layers": "layers"}


@dataclass(frozen=True)
class TextConfig:
    """The decoder. Defaults are the published model's."""

    vocab_size: Count = 65037
    max_position_embeddings: Count = 2048
    embed_dim: Annotated[int, Field(ge=4, le=_MOST)] = 2048
    layers: Count = 24
    ffn_dim: Count = 8192
    attention_heads: Count = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    layer_norm_eps: Epsilon = 1e-5
    scale_embedding: bool = True
    pad_token_id: CountOrZero = 1
    bos_token_id: CountOrZero = 0
    eos_token_id: CountOrZero = 2
    model_type: str = "kosmos_2_text_model"


@dataclass(frozen=True)
class ClipVisionConfig:
    """The published vision tower, CLIP ViT-L/14."""

    hidden_size: Count = 1024
    intermediate_size: Count = 4096
    num_hidden_layers: Count = 24
    num_attention_heads: Count = 16
    num_channels: Literal[3] = 3
    image_size: Count = 224
    patch_size: Count = 14
    layer_norm_eps: Epsilon = 1e-5
    model_type: str = "kosmos_2_vision_model"


@dataclass(frozen=True)
class ConvVisionConfig:
    """A convolutional tower for small models: `conv_tower.ConvTower` documents the shape.

    Output channels are `content_size` followed by `position_size` channels that hold only where the cell is.
    """

    stage_widths: tuple[Count, ...] = (24, 48, 96, 192)
    stage_blocks: tuple[CountOrZero, ...] = (0, 1, 2, 3)
    content_size: Count = 160
    position_size: Count = 32
    num_hidden_layers: Count = 2
    num_attention_heads: Count = 5
    image_size: Count = 224
    layer_norm_eps: Epsilon = 1e-5
    model_type: str = "kosmos_agent_conv_vision"

    @property
    def hidden_size(self) -> int:
        return self.content_size + self.position_size


_T = TypeVar("_T")
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
        """From a parsed `config.json`; unknown settings are ignored, as the published files hold many.

        CheckpointError, naming the setting and what would be valid, for a value of another type or outside its range.
        """
        text = _section(data, "text_config")
        for alias, name in _TEXT_ALIASES.items():
            if alias in text and name not in text:
                text[name] = text[alias]
        _check_choice("text_config.activation_function", text.get("activation_function", "gelu"), ("gelu",))
        vision = _section(data, "vision_config")
        kind = vision.get("model_type") or "kosmos_2_vision_model"
        _check_choice("vision_config.model_type", kind, tuple(_VISION_TYPES))
        config = cls(
            text=_read(TextConfig, text, "text_config"),
            vision=_read(_VISION_TYPES[kind], vision, "vision_config"),
            latent_query_num=_checked(Count, data.get("latent_query_num", 64), "latent_query_num"),
        )
        _check_text(config.text)
        if isinstance(config.vision, ClipVisionConfig):
            _check_choice("vision_config.hidden_act", vision.get("hidden_act", "quick_gelu"), ("quick_gelu",))
            _check_clip(config.vision)
        else:
            _check_conv(config.vision)
        return config

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


def _section(data: dict[str, Any], name: str) -> dict[str, Any]:
    section = data.get(name)
    if section is not None and not isinstance(section, dict):
        raise CheckpointError(f"{name} is a {type(section).__name__}; valid: an object")
    return dict(section or {})


def _read(kind: type[_T], data: dict[str, Any], section: str) -> _T:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    return _checked(kind, {name: value for name, value in data.items() if name in known}, section)


def _checked(kind: Any, value: object, name: str) -> Any:
    """`value` as `kind`, strictly: no number is read from a word, no whole number from a fraction or a truth value."""
    try:
        return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([name, *map(str, first["loc"])])
        raise CheckpointError(
            f"{place} is {first['input']!r}; valid: {first['msg'].removeprefix('Input should be ')}"
        ) from error


def _check_choice(name: str, value: object, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise CheckpointError(f"{name} {value!r} is not supported; valid: {', '.join(valid)}")


def _check_text(text: TextConfig) -> None:
    _check_divides("text_config.embed_dim", text.embed_dim, text.attention_heads, "attention_heads")
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        if getattr(text, name) >= text.vocab_size:
            raise CheckpointError(f"text_config.{name} {getattr(text, name)}; valid: 0 to {text.vocab_size - 1}")


def _check_clip(vision: ClipVisionConfig) -> None:
    _check_divides("vision_config.hidden_size", vision.hidden_size, vision.num_attention_heads, "num_attention_heads")
    if vision.patch_size > vision.image_size:
        raise CheckpointError(f"vision_config.patch_size {vision.patch_size}; valid: 1 to {vision.image_size}")


def _check_conv(vision: ConvVisionConfig) -> None:
    stages, blocks = len(vision.stage_widths), len(vision.stage_blocks)
    if stages < 1 or stages != blocks:
        raise CheckpointError(
            f"vision_config has {stages} stage_widths and {blocks} stage_blocks; valid: one of each per stage"
        )
    _check_divides("vision_config.content_size", vision.content_size, vision.num_attention_heads, "num_attention_heads")
    _check_divides("vision_config.position_size", vision.position_size, 4, "sines and cosines of x and y")
    _check_divides("vision_config.image_size", vision.image_size, 2**stages, f"halved by each of {stages} stages")


def _check_divides(name: str, value: int, divisor: int, why: str) -> None:
    if value % divisor:
        raise CheckpointError(f"{name} {value}; valid: a multiple of {divisor} ({why})")
