"""What probably comes next, guessed without the model: reading a few tokens in one pass costs about as much as one.

A guess is only ever checked, never believed: a text written with guesses is the one that is written without them.
"""

from __future__ import annotations

from collections.abc import Sequence

from kosmos_agent.inference.grammar import Grammar
from kosmos_agent.tokenizer import Tokenizer

MOST = 3
"""Tokens guessed ahead: four rows are still read at about the price of one, eight are not."""
_LONGEST, _SHORTEST = 4, 2
"""Of the run that must have stood before for what followed it to be guessed again; behind a tag, one is enough."""


class Drafts:
    """Tags by the form of a grounded caption (paper 2.2), words by looking up where the last few stood before."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer, self._grammar = tokenizer, Grammar(tokenizer)
        self._tags = {tokenizer.phrase_id, tokenizer.object_end_id}

    def guess(self, ids: Sequence[int], most: int) -> list[int]:
        """At most `most` tokens behind `ids`, which is everything so far, prompt included."""
        seen = list(ids)
        while len(seen) < len(ids) + most:
            token = self._next(seen)
            if token is None:
                break
            seen.append(token)
        return seen[len(ids) :]

    def _next(self, ids: Sequence[int]) -> int | None:
        if ids and ids[-1] == self._tokenizer.phrase_end_id:
            return self._tokenizer.object_id
        place = self._grammar.place(ids)
        if place == "after_pair":
            return self._tokenizer.object_end_id
        if place != "text" or not ids:
            return None
        return looked_up(ids, 1 if ids[-1] in self._tags else _SHORTEST)


def looked_up(ids: Sequence[int], shortest: int = _SHORTEST) -> int | None:
    """What followed the last time that the longest run at the end, of 4 tokens to `shortest`, stood before."""
    for size in range(_LONGEST, shortest - 1, -1):
        tail = ids[len(ids) - size :]
        for start in range(len(ids) - size - 1, -1, -1):
            if ids[start : start + size] == tail:
                return ids[start + size]
    return None
