"""Text behind prompts, as the published evaluation decodes it: greedily, without the grammar of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.frame import EncodedFrame, continue_frame
from kosmos_agent.inference.generate import Decoding, Written, generate
from kosmos_agent.markup import from_tagged

ROWS = 16
"""Texts that are written in step; a batch's keys and values grow with them."""


def write_behind(grounder: Grounder, frame: EncodedFrame, texts: Sequence[str], max_new_tokens: int) -> list[str]:
    """What the model writes behind each prompt, tags taken out."""
    decoding = Decoding(max_new_tokens=max_new_tokens, grammar=False)
    rest = iter([grounder.tokenizer.encode_words(text) for text in texts])
    written: list[str] = []
    while ids := list(islice(rest, ROWS)):
        read = continue_frame(grounder.model, frame, ids, max_new_tokens)
        written += [plain_words(grounder, row) for row in generate(grounder.model, grounder.tokenizer, read, decoding)]
    return written


def plain_words(grounder: Grounder, row: Written) -> str:
    return from_tagged(grounder.tokenizer.decode(row.ids), grounder.tokenizer.grid_side).text
