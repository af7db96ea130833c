"""What else a phrase could mean: every thing of its name, written behind the plural of it.

A model that learnt plurals from several things may write another thing beside the only one of the name. So whether a
thing is the only one is not read from this alone (`asked_again`). Who says "nearest" speaks of two or more.
"""

from __future__ import annotations

from collections.abc import Sequence

from kosmos_agent import prompts
from kosmos_agent.inference.candidates import Decision
from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.inference.several import candidates_of, write_boxes
from kosmos_agent.model.engine import Engine
from kosmos_agent.phrases import in_plural
from kosmos_agent.results import Candidate
from kosmos_agent.tokenizer import Tokenizer


def rivals_of(
    model: Engine, tokenizer: Tokenizer, frame: EncodedFrame, decision: Decision, heads: Sequence[str]
) -> dict[str, tuple[Candidate, ...]]:
    """Head, such as `the red cup`, -> all that is written for it, its own box as a rule among them; looked for at
    once.
    """
    asked = list(dict.fromkeys(heads))
    if not asked:
        return {}
    texts = [tokenizer.encode_words(prompts.reworded_phrase_grounding(in_plural(head))) for head in asked]
    written = write_boxes(model, tokenizer, frame, texts)
    found = (candidates_of(boxes, tokenizer.grid_side, decision) for boxes in written)
    return dict(zip(asked, found, strict=True))
