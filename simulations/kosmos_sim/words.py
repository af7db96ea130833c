"""Every word that the generators can emit: the tokenizer is built from this list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kosmos_sim.expressions.text import plural
from kosmos_sim.lexicon import CATEGORIES, COLOURS, NUMBERS

FUNCTION_WORDS = (
    "a", "all", "an", "and", "answer", "any", "are", "as", "back", "behind", "beside", "big", "biggest", "both",
    "bottom", "by", "can", "close", "closest", "color", "colour", "count", "do", "does", "far", "farthest", "find",
    "first", "five", "four", "fourth", "from", "front", "furthest", "gray", "grey", "has", "how", "image", "in",
    "inside", "is", "it", "item", "items", "large", "largest", "left", "leftmost", "little", "look", "many", "me",
    "middle", "near", "nearest", "next", "no", "not", "object", "objects", "of", "on", "one", "other", "pick",
    "picture", "point", "question", "right", "rightmost", "same", "scene", "second", "see", "show", "side", "six",
    "small", "smallest", "table", "than", "that", "the", "there", "thing", "things", "third", "this", "three", "to",
    "top", "two", "under", "up", "what", "where", "which", "with", "yes", "you",
)  # fmt: skip
PUNCTUATION = (",", ".", "?", "!", ":", ";", "'", "-")

_TOKEN = re.compile(r"[a-z]+|[^\sa-z]")


def split_words(text: str) -> list[str]:
    """Lower-case words and single punctuation marks, in order."""
    return _TOKEN.findall(text.lower())


def vocabulary(categories: Sequence[str] = CATEGORIES, colours: Sequence[str] = COLOURS) -> list[str]:
    """Sorted, without repeats: all of `split_words(text)` for any text of the generators."""
    nouns = [word for category in categories for word in (*category.split(), *plural(category).split())]
    return sorted({*nouns, *colours, *NUMBERS, *FUNCTION_WORDS, *PUNCTUATION})
