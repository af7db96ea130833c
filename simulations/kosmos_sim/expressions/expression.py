"""The type of a referring expression."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Expression:
    """Words for things in one picture.

    referents: instance ids; empty for a thing that is not there, one for the singular kinds, and all that the words
    cover, ordered left to right, for plurals.
    """

    text: str
    kind: str
    referents: tuple[int, ...]
