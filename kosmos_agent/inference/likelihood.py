"""How likely are the words of a phrase: behind a picture, and without any.

Mean log-probability of the tokens that follow `<phrase>`, `</phrase>` included.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kosmos_agent.model.decoder import positions_from_mask
from kosmos_agent.model.engine import Engine
from kosmos_agent.model.kosmos2 import causal_mask
from kosmos_agent.tokenizer import Tokenizer


@torch.inference_mode()
def packed_log_likelihoods(
    model: Engine, tokenizer: Tokenizer, hidden: Tensor, ids: Tensor, segments: Tensor
) -> Tensor:
    """(K,) for K phrases that stand packed in one row: its final states (T, D), ids (T,) and segment numbers (T,)."""
    began = torch.cumsum(ids == tokenizer.phrase_id, dim=0)
    ended = torch.cumsum(ids == tokenizer.phrase_end_id, dim=0)
    source = torch.nonzero(began > ended)[:, 0]
    log_p = model.logits(hidden[source]).float().log_softmax(dim=-1)
    following = log_p.gather(1, ids[source + 1][:, None])[:, 0]
    count = int(segments[-1]) + 1
    sums = torch.zeros(count, device=ids.device).index_add(0, segments[source], following)
    return sums / torch.bincount(segments[source], minlength=count)


@torch.inference_mode()
def blind_log_likelihood(model: Engine, tokenizer: Tokenizer, text: Sequence[int]) -> float:
    """Without a picture; a pass of its own. text: ids from `<grounding>` to `</phrase>`."""
    ids = torch.tensor([[tokenizer.bos_id, *text]], device=model.device)
    mask = torch.ones_like(ids)
    hidden = model.decode(model.embed(ids), positions_from_mask(mask), mask=causal_mask(mask))
    return float(packed_log_likelihoods(model, tokenizer, hidden[0], ids[0], torch.zeros_like(ids[0]))[0])
