"""Every word that the generators can emit: the tokenizer is built from this list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kosmos_sim.expressions.text import plural
from kosmos_sim.lexicon import CATEGORIES, COLOURS, NUMBERS

FUNCTION_WORDS = (
    "a", "all", "an", "and", "answer", "are", "behind", "beside", "big", "biggest", "both", "closest", "color",
    "colour", "farthest", "first", "five", "four", "fourth", "from", "front", "furthest", "grey", "how", "image",
    "in", "inside", "is", "it", "large", "largest", "left", "leftmost", "little", "many", "middle", "nearest",
    "next", "no", "object", "objects", "of", "on", "question", "right", "rightmost", "second", "six", "small",
    "smallest", "that", "the", "there", "thing", "things", "third", "this", "to", "top", "two", "what", "yes",
)  # fmt: skip
PUNCTUATION = (",", ".", "?", ":")

_TOKEN = re.compile(r"[a-z]+|[^\sa-z]")


def split_words(text: str) -> list[str]:
    """Lower-case words and single punctuation marks, in order."""
    return _TOKEN.findall(text.lower())


def vocabulary(categories: Sequence[str] = CATEGORIES, colours: Sequence[str] = COLOURS) -> list[str]:
    """Sorted, without repeats: `split_words(text)` of all texts that the generators emit, and nothing besides.

    A word that is not here was never trained on, so it can be refused by name.
    """
    nouns = [word for category in categories for word in (*category.split(), *plural(category).split())]
    return sorted({*nouns, *colours, *NUMBERS, *FUNCTION_WORDS, *PUNCTUATION})
