"""The project's own decoding, on models that have no tokenizer: greedy, cached, without grammar or end."""

from types import SimpleNamespace

import torch
from torch import Tensor

from kosmos_agent.inference.generate import Decoding, generate
from kosmos_agent.inference.prompt import read
from kosmos_agent.model.kosmos2 import Kosmos2

NEVER = -1


def greedy_cached(
    model: Kosmos2,
    input_ids: Tensor,
    image_embeds: Tensor,
    image_mask: Tensor,
    attention_mask: Tensor,
    steps: int,
    no_repeat_ngram: int = 0,
) -> Tensor:
    """(B, steps) ids. Rows may be padded on the left; each new token's position counts real tokens only."""
    prompt = read(
        model, input_ids, attention_mask=attention_mask, image_embeds=image_embeds, image_mask=image_mask, room=steps
    )
    ids = SimpleNamespace(eos_id=NEVER, pad_id=NEVER)
    published = Decoding(steps, no_repeat_ngram=no_repeat_ngram, exempt_tags=False, grammar=False)
    rows = generate(model, ids, prompt, published)
    return torch.tensor([row.ids for row in rows])
