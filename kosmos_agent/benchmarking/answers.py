"""Do both sides answer alike? Boxes and a caption on the same weights, the grammar of boxes given to both.

Random weights would not open a box by themselves, so `generate()` is held to what we force: `<object>`, then a corner,
then one not above or left of it. The caption is written freely by both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict

from kosmos_agent import prompts
from kosmos_agent.benchmarking.ours import write_caption
from kosmos_agent.benchmarking.transformers_side import TransformersSide
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.agreement import Agreement
from kosmos_agent.inference.corners import score_corners
from kosmos_agent.inference.frame import encode_frame
from kosmos_agent.inference.generate import Decoding
from kosmos_agent.inference.grammar import Grammar
from kosmos_agent.location import Pair

_BOX_TOKENS = 3
"""`<object>` and two corners."""


@dataclass(frozen=True)
class Questions:
    """What both are asked of one picture."""

    picture: Image.Image
    phrases: tuple[str, ...]
    caption_tokens: int


@dataclass(frozen=True)
class Answers:
    """Greedy pairs of location tokens, one for each phrase, and the ids of a caption."""

    pairs: tuple[Pair, ...]
    caption: tuple[int, ...]


class AnswerCheck(BaseModel):
    """boxes_alike: phrases whose pair is the same. caption_alike: tokens from the start on that are.

    presence_changes, corners_move: `inference.agreement` with ours in float32, on its own pictures and phrases; None
    where it was not measured, as of float32 itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    phrases: int
    boxes_alike: int
    caption_tokens: int
    caption_alike: int
    presence_changes: float | None = None
    corners_move: float | None = None

    @classmethod
    def of(cls, mine: Answers, theirs: Answers, agreement: Agreement | None = None) -> AnswerCheck:
        return cls(
            phrases=len(theirs.pairs),
            boxes_alike=sum(pair == other for pair, other in zip(mine.pairs, theirs.pairs, strict=True)),
            caption_tokens=max(len(mine.caption), len(theirs.caption)),
            caption_alike=_alike_from_the_start(mine.caption, theirs.caption),
            presence_changes=None if agreement is None else agreement.presence,
            corners_move=None if agreement is None else agreement.location,
        )

    @property
    def alike(self) -> bool:
        return self.boxes_alike == self.phrases and self.caption_alike == self.caption_tokens


def our_answers(ours: Grounder, questions: Questions) -> Answers:
    frame = encode_frame(ours.model, ours.processor, questions.picture)
    texts = [ours.tokenizer.encode_words(prompts.phrase_grounding(phrase)) for phrase in questions.phrases]
    scores = score_corners(ours.model, ours.tokenizer, [frame], [texts])[0]
    free = Decoding(max_new_tokens=questions.caption_tokens, grammar=False)
    caption = write_caption(ours, questions.picture, free).ids
    return Answers(tuple(item.pairs[0].pair for item in scores), tuple(caption))


def their_answers(theirs: TransformersSide, questions: Questions) -> Answers:
    pairs = tuple(_their_pair(theirs, questions.picture, phrase) for phrase in questions.phrases)
    caption = theirs.write_caption(questions.picture, questions.caption_tokens)[0]
    return Answers(pairs, tuple(caption.tolist()))


def _their_pair(theirs: TransformersSide, picture: Image.Image, phrase: str) -> Pair:
    """The pair of corners that `generate()` writes under the grammar."""
    tokenizer = theirs.processor.tokenizer
    inputs = theirs.inputs([prompts.phrase_grounding(phrase)])
    start = inputs["input_ids"].shape[1]
    grammar = Grammar(tokenizer)

    def allowed(_: int, ids: torch.Tensor) -> list[int]:
        if len(ids) == start:
            return [tokenizer.object_id]
        return [int(token) for token in torch.nonzero(grammar.allowed(ids.tolist()))[:, 0]]

    inputs["pixel_values"] = theirs.pixels(picture)
    written = theirs.write(inputs, _BOX_TOKENS, prefix_allowed_tokens_fn=allowed)[0].tolist()
    first, second = (token - tokenizer.first_location_id for token in written[1:])
    return first, second


def _alike_from_the_start(one: Sequence[int], other: Sequence[int]) -> int:
    differing = (k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))
