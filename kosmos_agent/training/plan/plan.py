"""Parameters, tokens, memory and hours of a recipe on given hardware."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from kosmos_agent.errors import InvalidArgumentError, InvalidConfigError
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.training.plan.dry_run import Work, hollow_model, layer_bytes, picture_work, text_work
from kosmos_agent.training.recipe.models import DataSection, Recipe
from kosmos_agent.training.scale.loss import checkpoint_layers
from kosmos_agent.training.scale.parts import PARTS, part_of, vision_layers

_KEPT, _GRADIENT, _MOMENTS = 4, 4, 8
"""Bytes a parameter: the weight in float32, its gradient, the two moments of AdamW."""
_LIVE_UNITS = 2
"""Layers whose joined weights are there at one time when they are sharded: the one at work and the next."""
_PICTURES_OF = {"text": 0.0, "instructions": 0.0, "grounded": 1.0, "captions": 1.0, "referring": 1.0, "boxes": 1.0}


@dataclass(frozen=True)
class Hardware:
    """tflops: of one device, in the precision of the recipe, as its maker states. mfu: the share that training gets."""

    devices: int = 1
    tflops: float = 100.0
    mfu: float = 0.35

    def __post_init__(self) -> None:
        if self.devices < 1 or self.tflops <= 0 or not 0 < self.mfu <= 1:
            raise InvalidArgumentError("hardware needs at least 1 device, tflops above 0 and an mfu above 0 up to 1")


@dataclass(frozen=True)
class Memory:
    """Bytes on one device. working_weights: copies that a pass computes with."""

    weights: int
    gradients: int
    moments: int
    working_weights: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.moments + self.working_weights + self.activations


@dataclass(frozen=True)
class Plan:
    """parameters: part -> (all, trained). tokens, pictures: of one step, by source. passes: of one device in a step."""

    parameters: Mapping[str, tuple[int, int]]
    tokens: Mapping[str, float]
    pictures: Mapping[str, float]
    passes: int
    memory: Memory
    flops_per_step: float
    hours: float
    hardware: Hardware

    @property
    def tokens_per_step(self) -> float:
        return sum(self.tokens.values())

    def to_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "memory": {**asdict(self.memory), "total": self.memory.total},
            "tokens_per_step": self.tokens_per_step,
        }


def plan(
    recipe: Recipe, config: Kosmos2Config, measured: Mapping[str, tuple[float, float]], hardware: Hardware
) -> Plan:
    """measured: mean tokens and pictures of a sample, for the sources that do not state them."""
    tokens, pictures = _step_sizes(recipe, measured)
    batch = recipe.batch
    pass_tokens = batch.rows_per_pass * batch.row_tokens
    passes = max(1, math.ceil(sum(tokens.values()) / (pass_tokens * hardware.devices)))
    pass_pictures = math.ceil(sum(pictures.values()) / (passes * hardware.devices))
    model = hollow_model(config, recipe)
    row = text_work(model, 1, batch.row_tokens, head_chunk=batch.row_tokens)
    seen = picture_work(model, 1)
    flops = row.flops * sum(tokens.values()) / batch.row_tokens + seen.flops * sum(pictures.values())
    seconds = recipe.schedule.steps * flops / (hardware.devices * hardware.tflops * 1e12 * hardware.mfu)
    return Plan(
        parameters=_parameters(model),
        tokens=tokens,
        pictures=pictures,
        passes=passes,
        memory=_memory(recipe, config, model, pass_pictures, hardware.devices),
        flops_per_step=flops,
        hours=seconds / 3600,
        hardware=hardware,
    )


def _step_sizes(
    recipe: Recipe, measured: Mapping[str, tuple[float, float]]
) -> tuple[dict[str, float], dict[str, float]]:
    sizes = {item.title: _sample_size(item, measured, recipe.batch.row_tokens) for item in recipe.data}
    tokens = {item.title: item.per_step * sizes[item.title][0] for item in recipe.data}
    return tokens, {item.title: item.per_step * sizes[item.title][1] for item in recipe.data}


def _sample_size(
    item: DataSection, measured: Mapping[str, tuple[float, float]], row_tokens: int
) -> tuple[float, float]:
    """Labelled pictures fill their rows with answers: of no stated size they count as full, which is no less work."""
    if item.title in measured:
        return measured[item.title]
    pictures = _PICTURES_OF.get(item.kind, item.mean_pictures) if item.mean_pictures is None else item.mean_pictures
    tokens = row_tokens if item.mean_tokens is None and item.kind == "boxes" else item.mean_tokens
    if tokens is None or pictures is None:
        raise InvalidConfigError(
            f"source {item.title}: its samples' size is not stated, and its data or the model's tokenizer not at hand; "
            "valid: mean_tokens and mean_pictures in the recipe, or --data DATA"
        )
    return tokens, pictures


def _parameters(model: Kosmos2) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = dict.fromkeys(PARTS, (0, 0))
    for name, parameter in model.named_parameters():
        whole, trained = counts[part_of(name)]
        size = parameter.numel()
        counts[part_of(name)] = (whole + size, trained + size * parameter.requires_grad)
    return counts


def _memory(recipe: Recipe, config: Kosmos2Config, model: Kosmos2, pictures: int, devices: int) -> Memory:
    parameters = list(model.parameters())
    whole = sum(parameter.numel() for parameter in parameters)
    trained = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    shards = devices if recipe.compute.sharding == "full" else 1
    return Memory(
        weights=math.ceil(_KEPT * whole / shards),
        gradients=math.ceil(_GRADIENT * trained / shards),
        moments=math.ceil(_MOMENTS * trained / shards),
        working_weights=_working_weights(recipe, model, whole),
        activations=_activations(recipe, config, pictures),
    )


def _working_weights(recipe: Recipe, model: Kosmos2, whole: int) -> int:
    """bfloat16 copies of all weights; sharded, joined copies of what belongs to no layer and of the layers at work."""
    size = 2 if recipe.compute.precision == "bfloat16" else 4
    if recipe.compute.sharding == "none":
        return size * whole if size == 2 else 0
    stacked = (*model.text_model.model.layers, *vision_layers(model))
    layers = [sum(parameter.numel() for parameter in layer.parameters()) for layer in stacked]
    return size * (whole - sum(layers) + _LIVE_UNITS * max(layers))


def _activations(recipe: Recipe, config: Kosmos2Config, pictures: int) -> int:
    """At the end of the forward pass, and what is computed again on the way back on top of that."""
    compute, batch = recipe.compute, recipe.batch
    size = torch.bfloat16 if compute.precision == "bfloat16" else torch.float32
    model = hollow_model(config, recipe, size)
    again = 0
    if compute.checkpoint_activations:
        again = layer_bytes(model, batch.rows_per_pass, batch.row_tokens, pictures)
        checkpoint_layers(model)
    seen: Work | None = picture_work(model, pictures) if pictures else None
    read = text_work(model, batch.rows_per_pass, batch.row_tokens, head_chunk=compute.head_chunk)
    head = compute.head_chunk * config.text.vocab_size * (4 + 4)
    return read.saved_bytes + (seen.saved_bytes if seen else 0) + max(again, head)
