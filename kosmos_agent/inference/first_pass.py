"""The first pass of the decoder over packed texts: behind what it has read of the pictures, or together with them.

A picture's prefix and the first question about it are read in one pass, as two short ones cost more than one long one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.inference.packed_texts import PackedTexts
from kosmos_agent.inference.prompt import ReadPrompt, UnreadPrompt, continuation_mask
from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.decoder import FIRST_POSITION
from kosmos_agent.model.engine import Engine


@dataclass(frozen=True)
class FirstPass:
    """hidden: (B, T, D) of the texts. cache: prefix and texts, with room left. prefix: positions before the texts.

    start: (B, 1) position of each text's first token.
    """

    hidden: Tensor
    cache: KVCache
    prefix: int
    start: Tensor


def first_pass(model: Engine, frames: Sequence[EncodedFrame], texts: PackedTexts, room: int) -> FirstPass:
    """frames: of one picture each, or of as many rows as the texts together. room: positions left free."""
    unread = [frame.unread for frame in frames]
    fresh = [prompt for prompt in unread if prompt is not None]
    if len(fresh) == len(frames) == len(texts.ids):
        return _together(model, frames, fresh, texts, room)
    cache = KVCache.stacked([frame.prefix.cache for frame in frames], texts.ids.shape[1] + room)
    prefix = cache.length
    start = torch.cat([frame.prefix.next_position for frame in frames])[:, None]
    hidden = model.decode(model.embed(texts.ids), start + texts.places, mask=texts.mask(prefix), cache=cache)
    return FirstPass(hidden, cache, prefix, start)


def _together(
    model: Engine, frames: Sequence[EncodedFrame], unread: Sequence[UnreadPrompt], texts: PackedTexts, room: int
) -> FirstPass:
    """The frames keep what was read of them."""
    ids = torch.cat([prompt.ids for prompt in unread])
    rows, prefix = ids.shape
    length = texts.ids.shape[1]
    image_mask = F.pad(torch.cat([prompt.image_mask for prompt in unread]), (0, length))
    embeds = model.embed(
        torch.cat([ids, texts.ids], dim=1), torch.cat([prompt.image_embeds for prompt in unread]), image_mask
    )
    places = torch.arange(prefix, device=ids.device).expand(rows, -1)
    start = torch.full((rows, 1), FIRST_POSITION + prefix, device=ids.device)
    positions = torch.cat([FIRST_POSITION + places, start + texts.places], dim=1)
    before = F.pad(continuation_mask(torch.ones_like(ids), prefix), (0, length))
    cache = model.new_cache(rows, prefix + length + room)
    mask = torch.cat([before, texts.mask(prefix)], dim=2)
    hidden = model.decode(embeds, positions, mask=mask, cache=cache)
    for row, frame in enumerate(frames):
        one = slice(row, row + 1)
        whole = torch.ones_like(ids[one])
        frame.keep(
            ReadPrompt(cache.beginning(row, prefix), ids[one], whole, hidden[one, prefix - 1].clone(), start[one, 0])
        )
    return FirstPass(hidden[:, prefix:], cache, prefix, start)
