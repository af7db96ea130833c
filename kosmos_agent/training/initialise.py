"""Initial values: the published ones, and for small models geometry that would otherwise take hours to learn.

Location tokens start as codes of their place, tied to the output head. Image slots start as local averages: slot k
looks at the cells around its own place. The architecture stays the published one; only starting values differ.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from kosmos_agent.model.config import ConvVisionConfig
from kosmos_agent.model.conv_tower import grid_code
from kosmos_agent.model.decoder import Decoder
from kosmos_agent.model.kosmos2 import Kosmos2

_LOOK_GAIN = 3.0
"""Sharpness of the first look: a slot spreads over about the cells that touch its own place."""
_QUERY_SHRINK = 0.3
"""Slots are keys too (specification 1.4); a weaker code keeps them from looking at each other."""


@torch.no_grad()
def initialise(model: Kosmos2, first_location: int, location_side: int) -> None:
    """Start values for training from nothing, in place."""
    initialise_decoder(model.text_model.model)
    width = model.config.text.embed_dim
    code = grid_code(location_side, width, highest_octave=4) * width**-0.5
    model.text_model.model.embed_tokens.weight[first_location : first_location + location_side**2] = code
    if isinstance(model.config.vision, ConvVisionConfig):
        initialise_local_slots(model, model.config.vision)


@torch.no_grad()
def initialise_decoder(decoder: Decoder) -> None:
    """Embeddings of std 1/sqrt(D); sub-LN gain on values, outputs and feed-forward (specification 1.7)."""
    width, layers = decoder.config.embed_dim, decoder.config.layers
    nn.init.normal_(decoder.embed_tokens.weight, std=width**-0.5)
    decoder.embed_tokens.weight[decoder.config.pad_token_id] = 0
    gain = math.sqrt(math.log(2 * layers))
    for name, parameter in decoder.layers.named_parameters():
        if parameter.ndim == 2:
            scaled = any(part in name for part in ("fc1", "fc2", "v_proj", "out_proj"))
            nn.init.xavier_normal_(parameter, gain=gain if scaled else 1.0)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)


@torch.no_grad()
def initialise_local_slots(model: Kosmos2, vision: ConvVisionConfig) -> None:
    """Resampler such that each slot starts as the average of the vision cells around its place on a square grid."""
    resampler, attention = model.image_to_text_projection, model.image_to_text_projection.x_attn
    width, heads = model.config.text.embed_dim, attention.heads
    side = math.isqrt(model.config.latent_query_num)
    if side * side != model.config.latent_query_num or width != vision.hidden_size:
        raise ValueError("local slots need a square number of slots and equal vision and text widths")
    look = place_projection(width // heads, vision.position_size).repeat(heads, 1)
    norm = math.sqrt(vision.content_size + vision.position_size / 2)
    resampler.latent_query.zero_()
    resampler.latent_query[:, vision.content_size :] = _QUERY_SHRINK * grid_code(side, vision.position_size)
    for layer in (resampler.dense, attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj):
        layer.weight.normal_(std=0.01 * width**-0.5)
        layer.bias.zero_()
    resampler.dense.weight += norm * torch.eye(width)
    attention.k_proj.weight[:, vision.content_size :] += look
    attention.q_proj.weight[:, vision.content_size :] += _LOOK_GAIN / _QUERY_SHRINK * look
    attention.v_proj.weight += torch.eye(width)
    attention.out_proj.weight += width**-0.5 * torch.eye(width)


def place_projection(outputs: int, position_size: int) -> Tensor:
    """(outputs, position_size) selecting evenly spaced frequencies of each quarter of a `grid_code`."""
    quarter, kept = position_size // 4, outputs // 4
    chosen = torch.linspace(0, quarter - 1, kept).round().long()
    index = torch.cat([part * quarter + chosen for part in range(4)])
    return torch.eye(position_size)[index]
