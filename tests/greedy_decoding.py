"""Greedy decoding with the cache, as plainly as it can be written: the yardstick for parity and for the traps."""

import torch
from torch import Tensor

from kosmos_agent.model.decoder import positions_from_mask
from kosmos_agent.model.kosmos2 import Kosmos2, causal_mask


@torch.inference_mode()
def greedy_cached(
    model: Kosmos2, input_ids: Tensor, image_embeds: Tensor, image_mask: Tensor, attention_mask: Tensor, steps: int
) -> Tensor:
    """(B, steps) ids. Rows may be padded on the left; each new token's position counts real tokens only."""
    cache = model.new_cache(len(input_ids), input_ids.shape[1] + steps)
    embeds = model.embed(input_ids, image_embeds, image_mask)
    hidden = model.decode(embeds, positions_from_mask(attention_mask), mask=causal_mask(attention_mask), cache=cache)
    seen, chosen = attention_mask, []
    for _ in range(steps):
        token = model.logits(hidden[:, -1:]).argmax(-1)
        chosen.append(token)
        seen = torch.cat([seen, torch.ones_like(token)], dim=1)
        positions = positions_from_mask(seen)[:, -1:]
        hidden = model.decode(model.embed(token), positions, mask=seen.bool()[:, None, None], cache=cache)
    return torch.cat(chosen, dim=1)
