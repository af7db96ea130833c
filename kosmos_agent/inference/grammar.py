"""What may follow what: after `<object>` come pairs of location tokens, and nothing else (paper 2.3).

The published model obeys this nearly always; decoding under the grammar makes it certain, and keeps the second
corner of a box from lying above or left of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from kosmos_agent.tokenizer import Tokenizer

Place = Literal["text", "first_corner", "second_corner", "after_pair"]


class Grammar:
    """Allowed next tokens; `ids` is always everything so far, prompt included.

    `vocabulary`: rows of the model's output head. Rows beyond the tokenizer's ids are padding and never allowed.
    """

    def __init__(self, tokenizer: Tokenizer, device: torch.device | str = "cpu", vocabulary: int | None = None) -> None:
        self.tokenizer = tokenizer
        first, count = tokenizer.first_location_id, tokenizer.location_count
        self._locations = torch.arange(first, first + count, device=device)
        self._text = torch.zeros(vocabulary or tokenizer.size, dtype=torch.bool, device=device)
        self._text[: tokenizer.size] = True
        self._text[self._locations] = False
        self._text[[tokenizer.delimiter_id, tokenizer.object_end_id, tokenizer.pad_id]] = False
        self._after_pair = torch.zeros_like(self._text)
        self._after_pair[[tokenizer.delimiter_id, tokenizer.object_end_id]] = True

    def place(self, ids: Sequence[int]) -> Place:
        """Where in the grammar the next token stands."""
        if not ids:
            return "text"
        if ids[-1] in (self.tokenizer.object_id, self.tokenizer.delimiter_id):
            return "first_corner"
        if self.tokenizer.location_index(ids[-1]) is None:
            return "text"
        before = ids[-2] if len(ids) > 1 else None
        opens = before in (self.tokenizer.object_id, self.tokenizer.delimiter_id)
        return "second_corner" if opens else "after_pair"

    def allowed(self, ids: Sequence[int]) -> Tensor:
        """(vocabulary,) bool."""
        place = self.place(ids)
        if place == "text":
            return self._text
        if place == "after_pair":
            return self._after_pair
        mask = torch.zeros_like(self._text)
        if place == "first_corner":
            mask[self._locations] = True
        else:
            mask[self._locations] = self.second_corners(torch.tensor(ids[-1] - int(self._locations[0])))
        return mask

    def second_corners(self, first: Tensor) -> Tensor:
        """As the function of the same name, on the grid of the tokenizer."""
        return second_corners(first.to(self._locations.device), self.tokenizer.grid_side)


def second_corners(first: Tensor, side: int) -> Tensor:
    """(...) indices of first corners -> bool (..., locations): cells not above and not left of them."""
    return _upright(side, first.device)[first]


@lru_cache(maxsize=4)
def _upright(side: int, device: torch.device) -> Tensor:
    """Bool (locations, locations): whether a first and a second corner make a box."""
    cell = torch.arange(side * side, device=device)
    row, column = cell // side, cell % side
    return (row[None] >= row[:, None]) & (column[None] >= column[:, None])


def exempt_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """Tags and location tokens: n-gram blocking over these forbids a second identical box, which robots need."""
    first = tokenizer.first_location_id
    tags = (
        tokenizer.phrase_id,
        tokenizer.phrase_end_id,
        tokenizer.object_id,
        tokenizer.object_end_id,
        tokenizer.delimiter_id,
        tokenizer.grounding_id,
    )
    return frozenset((*tags, *range(first, first + tokenizer.location_count)))


def repeated_ngram_ends(ids: Sequence[int], size: int, exempt: frozenset[int] = frozenset()) -> set[int]:
    """Tokens that would repeat an n-gram of `ids`. N-grams that hold an exempt token are let through."""
    if size < 1 or len(ids) < size:
        return set()
    tail = tuple(ids[len(ids) - size + 1 :])
    if exempt and not exempt.isdisjoint(tail):
        return set()
    starts = range(len(ids) - size + 1)
    ends = {ids[start + size - 1] for start in starts if tuple(ids[start : start + size - 1]) == tail}
    return ends - exempt
