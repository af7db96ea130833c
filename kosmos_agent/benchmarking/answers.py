"""Do both sides answer alike? Boxes and a caption on the same weights, the grammar of boxes given to both.

Random weights would not open a box by themselves, so `generate()` is held to what we force: `<object>`, then a corner,
then one not above or left of it. The caption is written freely by both.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict

from kosmos_agent import prompts
from kosmos_agent.benchmarking.ours import write_caption
from kosmos_agent.benchmarking.transformers_side import TransformersSide
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.corners import score_corners
from kosmos_agent.inference.frame import encode_frame
from kosmos_agent.inference.generate import Decoding
from kosmos_agent.inference.grammar import Grammar
from kosmos_agent.location import Pair


class AnswerCheck(BaseModel):
    """boxes_alike: phrases whose greedy pair of location tokens is the same. caption_alike: first tokens alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dtype: str
    phrases: int
    boxes_alike: int
    caption_tokens: int
    caption_alike: int

    @property
    def alike(self) -> bool:
        return self.boxes_alike == self.phrases and self.caption_alike == self.caption_tokens


def check_answers(
    ours: Grounder, theirs: TransformersSide, picture: Image.Image, phrases: Sequence[str], caption_tokens: int
) -> AnswerCheck:
    """Both sides must hold the same weights as the same number type."""
    boxes = [_our_pairs(ours, picture, phrases), [their_pair(theirs, picture, phrase) for phrase in phrases]]
    plain = Decoding(max_new_tokens=caption_tokens, grammar=False)
    captions = [write_caption(ours, picture, plain).ids, theirs.write_caption(picture, caption_tokens)[0].tolist()]
    return AnswerCheck(
        dtype=str(ours.model.dtype).removeprefix("torch."),
        phrases=len(phrases),
        boxes_alike=sum(mine == other for mine, other in zip(*boxes, strict=True)),
        caption_tokens=max(map(len, captions)),
        caption_alike=_alike_from_the_start(*captions),
    )


def their_pair(theirs: TransformersSide, picture: Image.Image, phrase: str) -> Pair:
    """The pair of corners that `generate()` writes under the grammar."""
    tokenizer = theirs.processor.tokenizer
    inputs = theirs.inputs([prompts.phrase_grounding(phrase)])
    start = inputs["input_ids"].shape[1]
    grammar = Grammar(tokenizer)

    def allowed(_: int, ids: torch.Tensor) -> list[int]:
        if len(ids) == start:
            return [tokenizer.object_id]
        return torch.nonzero(grammar.allowed(ids.tolist()))[:, 0].tolist()

    pixels = theirs.pixels(picture)
    written = theirs.write({**inputs, "pixel_values": pixels}, 3, prefix_allowed_tokens_fn=allowed)[0].tolist()
    first, second = (token - tokenizer.first_location_id for token in written[1:3])
    return first, second


def _our_pairs(ours: Grounder, picture: Image.Image, phrases: Sequence[str]) -> list[Pair]:
    frame = encode_frame(ours.model, ours.processor, picture)
    texts = [ours.tokenizer.encode_words(prompts.phrase_grounding(phrase)) for phrase in phrases]
    return [scores.pairs[0].pair for scores in score_corners(ours.model, ours.tokenizer, frame, texts)]


def _alike_from_the_start(one: Sequence[int], other: Sequence[int]) -> int:
    differing = (k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))
