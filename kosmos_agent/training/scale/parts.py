"""The parts of a model that are frozen or trained, by name."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.vision import ClipTower
from kosmos_agent.training.recipe.models import Part

PARTS: tuple[Part, ...] = ("vision", "resampler", "decoder", "embeddings")


def part_of(name: str) -> Part:
    """Of a parameter under its published name."""
    if name.startswith("vision_model."):
        return "vision"
    if name.startswith("image_to_text_projection."):
        return "resampler"
    return "embeddings" if ".embed_tokens." in name else "decoder"


def freeze(model: Kosmos2, parts: Iterable[Part]) -> None:
    frozen = set(parts)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(part_of(name) not in frozen)


def vision_layers(model: Kosmos2) -> nn.ModuleList:
    tower = model.vision_model.model
    return tower.encoder.layers if isinstance(tower, ClipTower) else tower.layers


def train_mode(module: nn.Module) -> None:
    """Batch norms whose weights are frozen keep their statistics as well."""
    module.train()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d) and not part.weight.requires_grad:
            part.eval()
