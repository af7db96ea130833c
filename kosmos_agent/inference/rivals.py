"""What else a phrase could mean: every thing of its name, written behind the plural of it.

Who says "nearest" speaks of two or more. Where there is one alone, a model that learnt plurals from several may write
another thing beside it, and the claim is then doubted, never believed.
"""

from __future__ import annotations

from collections.abc import Sequence

from kosmos_agent import prompts
from kosmos_agent.inference.candidates import Decision
from kosmos_agent.inference.clauses import ParsedPhrase
from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.inference.several import candidates_of, write_boxes
from kosmos_agent.model.engine import Engine
from kosmos_agent.phrases import in_plural
from kosmos_agent.results import Box
from kosmos_agent.tokenizer import Tokenizer


def rivals_of(
    model: Engine, tokenizer: Tokenizer, frame: EncodedFrame, decision: Decision, phrases: Sequence[ParsedPhrase]
) -> dict[str, tuple[Box, ...]]:
    """plain head -> boxes, for the phrases of which one thing is claimed to be the nearest; they are looked for at
    once. Empty, and nothing is looked for, where no phrase claims that.
    """
    heads = list(dict.fromkeys(phrase.plain_head for phrase in phrases if phrase.claims_nearest))
    if not heads:
        return {}
    texts = [tokenizer.encode_words(prompts.phrase_grounding(in_plural(head))) for head in heads]
    written = write_boxes(model, tokenizer, frame, texts)
    found = (candidates_of(boxes, tokenizer.grid_side, decision) for boxes in written)
    return {head: tuple(item.box for item in items) for head, items in zip(heads, found, strict=True)}
