"""What the model calls a box that it gave for a phrase, from near and both ways: does that bear the phrase out?

Reading a phrase into a picture and naming what lies in a box are learnt apart, so they seldom make the same mistake: of
things that are not there and are found all the same, most are called by another name as soon as they are asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kosmos_agent.inference.close_ups import MAX_BOXES, CloseUps
from kosmos_agent.inference.looks import Looks
from kosmos_agent.inference.zoom import Zoom
from kosmos_agent.results import Box
from kosmos_agent.tokenizer import Tokenizer

TOKENS = 4
"""An article, a colour, a noun, and one more."""
CONTRADICTED_BELOW = -3.0
"""Log-probability of the phrase's words, at best place each: chosen on validation scenes (docs/training-log.md)."""
BORNE_OUT_FROM = -0.5
"""The same for a thing that the phrase was not answered with: it fits the phrase from here on."""
_SAY_NOTHING = frozenset({"a", "an", "the", "this", "that", "is", "thing", "object", "item", "one"})
_SPELLINGS = {"gray": "grey", "grey": "gray"}


@dataclass(frozen=True)
class Opinion:
    """words: what the model calls the box. log_probability: of what the phrase calls it, 0 where that says nothing.

    whole: whether that is of all words of the phrase; the model has no opinion on one that it knows in pieces only.
    """

    words: str
    log_probability: float
    whole: bool = True

    @property
    def contradicts(self) -> bool:
        return self.log_probability < CONTRADICTED_BELOW

    @property
    def bears_out(self) -> bool:
        return self.whole and self.log_probability >= BORNE_OUT_FROM


def opinions(looks: Looks, zoom: Zoom, boxes: Sequence[Box], heads: Sequence[str]) -> list[Opinion]:
    """heads: for each box the words that say what it looks like, without its place among others."""
    found: list[Opinion] = []
    for start in range(0, len(boxes), MAX_BOXES):
        chosen = slice(start, start + MAX_BOXES)
        told = CloseUps(looks, zoom, boxes[chosen]).told(TOKENS)
        found += [_opinion(looks.tokenizer, *pair) for pair in zip(told.unbind(1), heads[chosen], strict=True)]
    return found


def _opinion(tokenizer: Tokenizer, log_p: Tensor, head: str) -> Opinion:
    """log_p: (T, vocabulary) behind the box, each token behind the likeliest ones before it."""
    best = log_p.max(dim=0).values
    words = [_whole_words(tokenizer, word) for word in head.lower().split() if word not in _SAY_NOTHING]
    weight = sum(float(best[torch.tensor(ids)].max()) for ids in words if ids)
    return Opinion(tokenizer.decode(log_p.argmax(dim=1).tolist()).strip(" ."), weight, whole=all(words))


def _whole_words(tokenizer: Tokenizer, word: str) -> list[int]:
    """Of its spellings those that are one token; none for a word in pieces, of which this says nothing."""
    spellings = [tokenizer.encode_words(f" {form}") for form in (word, _SPELLINGS.get(word, word))]
    return [ids[0] for ids in spellings if len(ids) == 1]
