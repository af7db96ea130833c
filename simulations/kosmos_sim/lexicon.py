"""The content words: what things are called, their colours, and number words."""

from __future__ import annotations

from dataclasses import dataclass

CATEGORIES = (
    "cup", "mug", "bowl", "plate", "bottle", "can", "jar", "pot", "teapot", "vase", "box", "block", "book", "cone",
    "cylinder", "star", "ball", "apple", "pear", "banana", "carrot", "donut", "spoon", "fork", "screwdriver", "marker",
    "hammer", "candle",
)  # fmt: skip
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray")
NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip

CONTAINERS = frozenset({"bowl", "cup", "mug", "vase", "pot"})
"""A thing that stands on one of these is said to be in it: where they carry things at all, they do so inside."""

_LOOKALIKES = (
    {"cup", "mug"}, {"box", "block", "book"}, {"can", "cylinder"}, {"bottle", "vase"}, {"bowl", "plate"},
    {"jar", "can"}, {"pot", "bowl"}, {"candle", "cylinder"}, {"apple", "pear"},
)  # fmt: skip


def lookalikes(category: str) -> frozenset[str]:
    """Categories that a fair person could call by this word; never used to claim that the thing is absent."""
    return frozenset().union({category}, *(group for group in _LOOKALIKES if category in group))


@dataclass(frozen=True)
class Lexicon:
    """The words that things which are NOT there may be given."""

    categories: tuple[str, ...] = CATEGORIES
    colours: tuple[str, ...] = COLOURS
