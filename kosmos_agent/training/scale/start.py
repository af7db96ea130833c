"""The model that a run begins with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from kosmos_agent.errors import CheckpointError
from kosmos_agent.model.checkpoint import load_model, load_tokenizer, read_config, weight_files
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.folder import locate
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.initialise import initialise
from kosmos_agent.training.recipe.models import ModelSection, Shape
from kosmos_agent.training.tabletop import tabletop_config

_CLIP_PREFIX, _KOSMOS_PREFIX = "vision_model.", "model."


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
        load_tower(model, locate(section.vision))
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


def load_tower(model: Kosmos2, folder: Path) -> None:
    """A trained vision tower, as the paper begins with: a CLIP's, by itself or beside its text, or a Kosmos-2's.

    CheckpointError where its tensors are not those of the model's tower.
    """
    wanted = model.vision_model.model.state_dict()
    found = _tower_tensors(folder, wanted.keys())
    wrong = [name for name, value in wanted.items() if name not in found or found[name].shape != value.shape]
    if wrong:
        raise CheckpointError(
            f"{folder} has no vision tower for this shape: no {wrong[0]} of {tuple(wanted[wrong[0]].shape)}; valid: a "
            "CLIP for a published tower, else a checkpoint with a tower of the same sizes"
        )
    model.vision_model.model.load_state_dict(found)


def _tower_tensors(folder: Path, names: Collection[str]) -> dict[str, Tensor]:
    """By their names in our tower: those of a CLIP's tower alone have no prefix, those of a Kosmos-2 have two."""
    tensors = {}
    for file in weight_files(folder):
        with safe_open(file, "pt") as handle:
            for name in handle.keys():  # noqa: SIM118  the handle is no mapping
                own = name.removeprefix(_CLIP_PREFIX).removeprefix(_KOSMOS_PREFIX)
                if own in names:
                    tensors[own] = handle.get_tensor(name)
    return tensors
