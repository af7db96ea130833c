"""The model that a run begins with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open

from kosmos_agent.errors import CheckpointError
from kosmos_agent.model.checkpoint import load_model, load_tokenizer, read_config, weight_files
from kosmos_agent.model.config import ClipVisionConfig, Kosmos2Config
from kosmos_agent.model.folder import locate
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.initialise import initialise
from kosmos_agent.training.recipe.models import ModelSection, Shape
from kosmos_agent.training.tabletop import tabletop_config

_CLIP_PREFIX, _OWN_PREFIX = "vision_model.", "vision_model.model."
_COMPUTED = "position_ids"


@dataclass(frozen=True)
class Start:
    """copy_from: a folder whose tokenizer and preprocessor files belong to the model; None for a new one."""

    model: Kosmos2
    tokenizer: Tokenizer
    copy_from: Path | None


def begin(section: ModelSection, seed: int) -> Start:
    """Weights in float32. The same seed gives the same random weights."""
    if section.start is not None:
        folder = locate(section.start)
        model = load_model(folder, dtype=torch.float32).requires_grad_(True)
        set_dropout(model, section.dropout)
        return Start(model, load_tokenizer(folder), folder)
    tokenizer = load_tokenizer(locate(section.tokenizer or ""))
    torch.manual_seed(seed)
    model = Kosmos2(shaped(section, tokenizer.size))
    initialise(model, tokenizer.first_location_id, tokenizer.grid_side)
    if section.vision is not None:
        load_clip(model, locate(section.vision))
    return Start(model, tokenizer, None)


def outline(section: ModelSection) -> tuple[Tokenizer, Kosmos2Config]:
    """What data must know of the model that `begin` gives, without its weights."""
    folder = locate(section.start if section.start is not None else section.tokenizer or "")
    tokenizer = load_tokenizer(folder)
    return tokenizer, read_config(folder) if section.start is not None else shaped(section, tokenizer.size)


def shaped(section: ModelSection, vocab_size: int) -> Kosmos2Config:
    """Sizes of a model that begins with random weights."""
    if isinstance(section.shape, Shape):
        text = {**section.shape.text, "vocab_size": vocab_size}
        sizes = {"text_config": text, "vision_config": section.shape.vision}
        config = Kosmos2Config.from_dict({**sizes, "latent_query_num": section.shape.image_slots})
    elif section.shape == "tabletop":
        config = tabletop_config(vocab_size)
    else:
        config = Kosmos2Config()
        config = replace(config, text=replace(config.text, vocab_size=vocab_size))
    if section.dropout is not None:
        config = replace(config, text=replace(config.text, dropout=section.dropout))
    return config


def set_dropout(model: Kosmos2, dropout: float | None) -> None:
    """Of a loaded model; None leaves what its config.json says."""
    if dropout is None:
        return
    decoder = model.text_model.model
    text = replace(model.config.text, dropout=dropout)
    model.config = replace(model.config, text=text)
    decoder.config = text
    for layer in decoder.layers:
        layer.dropout = dropout  # type: ignore[assignment]


def load_clip(model: Kosmos2, folder: Path) -> None:
    """The vision tower of a published CLIP (`vision_model.*` in its safetensors), as the paper begins with."""
    if not isinstance(model.config.vision, ClipVisionConfig):
        raise CheckpointError("vision takes a CLIP; valid: a shape whose vision tower is one")
    tensors = {}
    for file in weight_files(folder):
        with safe_open(file, "pt") as handle:
            for name in handle.keys():  # noqa: SIM118  the handle is no mapping
                if name.startswith(_CLIP_PREFIX) and not name.endswith(_COMPUTED):
                    tensors[name.removeprefix(_CLIP_PREFIX)] = handle.get_tensor(name)
    wanted = model.vision_model.model.state_dict()
    wrong = [name for name, value in wanted.items() if name not in tensors or tensors[name].shape != value.shape]
    if wrong:
        raise CheckpointError(f"{folder} has no {_CLIP_PREFIX}{wrong[0]} of shape {tuple(wanted[wrong[0]].shape)}")
    model.vision_model.model.load_state_dict({name: tensors[name] for name in wanted})
