"""One pass of a model without weights (the meta device): its operations and what it keeps for the way back.

Counted on the code that trains, not by formulas: torch's counter sees every matrix product, hooks see every tensor that
is saved for the gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from kosmos_agent.model.config import ClipVisionConfig, Kosmos2Config
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.skeleton import skeleton
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.rows.batch import TokenBatch
from kosmos_agent.training.scale.adapters import add_adapters
from kosmos_agent.training.scale.loss import Learner
from kosmos_agent.training.scale.parts import freeze, vision_layers

META = torch.device("meta")


def hollow_model(config: Kosmos2Config, recipe: Recipe, dtype: torch.dtype = torch.float32) -> Kosmos2:
    """Shapes alone; frozen or adapted as the recipe says."""
    model = skeleton(config).to(META, dtype)
    if recipe.lora is None:
        freeze(model, recipe.freeze)
        return model
    with META:
        add_adapters(model, recipe.lora)
    return model.to(dtype)


@dataclass(frozen=True)
class Work:
    """Floating point operations of one pass, there and back; bytes kept between the two."""

    forward_flops: int
    backward_flops: int
    saved_bytes: int

    @property
    def flops(self) -> int:
        return self.forward_flops + self.backward_flops


def text_work(model: Kosmos2, rows: int, tokens: int, *, head_chunk: int) -> Work:
    """Of `rows` full rows, image slots included, without the vision tower. Every token is counted as learnt."""
    learner = Learner(model, head_chunk=head_chunk, sources=1)
    batch = _hollow_batch(rows, tokens, model.config.vision.image_size)
    return _measured(learner, lambda: learner(batch)[0])


def picture_work(model: Kosmos2, pictures: int) -> Work:
    """Of the vision tower and the resampler."""
    side = model.config.vision.image_size
    pixels = torch.zeros(pictures, 3, side, side, dtype=model.dtype, device=META)
    return _measured(model, lambda: model.encode_image(pixels).sum())


def layer_bytes(model: Kosmos2, rows: int, tokens: int, pictures: int) -> int:
    """Kept inside the larger of one decoder and one vision layer: what comes on top while it is computed again."""
    with META:
        hidden = torch.zeros(rows, tokens, model.config.text.embed_dim, dtype=model.dtype, requires_grad=True)
        mask = torch.zeros(1, 1, tokens, tokens, dtype=torch.bool)
        decoder = model.text_model.model.layers[0]
        sizes = [_measured(decoder, lambda: decoder(hidden, mask, None, 0).sum()).saved_bytes]
    layer = vision_layers(model)[0]
    if pictures and any(parameter.requires_grad for parameter in layer.parameters()):
        width = int(layer.get_parameter("self_attn.q_proj.weight").shape[1])
        seen = torch.zeros(pictures, _cells(model.config), width, dtype=model.dtype, device=META, requires_grad=True)
        sizes.append(_measured(layer, lambda: layer(seen).sum()).saved_bytes)
    return max(sizes)


def _cells(config: Kosmos2Config) -> int:
    """Vectors that the vision tower's layers see of a picture."""
    vision = config.vision
    if isinstance(vision, ClipVisionConfig):
        return (vision.image_size // vision.patch_size) ** 2 + 1
    return (vision.image_size >> len(vision.stage_widths)) ** 2


def _hollow_batch(rows: int, tokens: int, side: int) -> TokenBatch:
    with META:
        grid = torch.zeros(rows, tokens, dtype=torch.int64)
        flat = torch.zeros(rows * tokens, dtype=torch.int64)
        return TokenBatch(
            ids=grid,
            positions=grid,
            slots=grid,
            documents=grid,
            segments=grid,
            counted=flat,
            targets=flat,
            sources=flat,
            rgb=torch.zeros(0, side, side, 3, dtype=torch.uint8),
        )


def _measured(module: nn.Module, forward: Callable[[], Tensor]) -> Work:
    weights = {parameter.untyped_storage()._cdata for parameter in module.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    module.train()
    with FlopCounterMode(display=False) as there, torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        loss = forward()
    with FlopCounterMode(display=False) as back:
        if loss.requires_grad:
            torch.autograd.backward(loss)
    saved = sum(tensor.untyped_storage().nbytes() for key, tensor in kept.items() if key not in weights)
    return Work(there.get_total_flops(), back.get_total_flops(), saved)
