"""Low-rank adapters (LoRA, through peft) on a model, and the same model with them merged into its weights."""

from __future__ import annotations

from collections.abc import Iterable

from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.training.recipe.models import LoraSection, Part
from kosmos_agent.training.scale.parts import part_of

_NEVER = ("patch_embedding",)


def adapted_modules(model: Kosmos2, parts: Iterable[Part]) -> list[str]:
    """Names of the linear layers and convolutions of the parts."""
    wanted = set(parts)
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and part_of(name) in wanted and not name.endswith(_NEVER)
    ]


def add_adapters(model: Kosmos2, section: LoraSection) -> PeftModel:
    """`model` itself computes with the adapters from here on; they start as nothing. All other weights stand still."""
    config = LoraConfig(
        r=section.rank,
        lora_alpha=section.alpha,
        lora_dropout=section.dropout,
        target_modules=adapted_modules(model, section.parts),
    )
    adapted: PeftModel = get_peft_model(model, config)
    return adapted


def merge_adapters(adapters: PeftModel) -> Kosmos2:
    """The model with its published parameter names again."""
    merged: Kosmos2 = adapters.base_model.merge_and_unload()  # type: ignore[operator]
    return merged
