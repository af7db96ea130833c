"""Words compared as people would: case, articles, spelling of grey and of numbers do not matter (pure)."""

from __future__ import annotations

import re

_ARTICLES = frozenset({"a", "an", "the"})
_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
_SPELLINGS = {"grey": "gray", **{str(value): word for value, word in enumerate(_NUMBERS)}}
_COUNTING = frozenset({*_NUMBERS, "both", "all", "some", "several"})
_SIZES = frozenset({"big", "large", "small", "little", "tiny"})
_AFTER_HEAD = frozenset(
    {
        "at", "behind", "beside", "between", "by", "closest", "farthest", "from", "in", "inside", "is", "left", "near",
        "nearest", "next", "of", "on", "right", "sitting", "standing", "that", "to", "top", "under", "which", "with",
    }
)  # fmt: skip
_IRREGULAR = {"knives": "knife"}
_WORD = re.compile(r"[a-z0-9]+")


def normalised(text: str) -> tuple[str, ...]:
    """Lower-case words without articles and punctuation; `grey` is `gray`, `2` is `two`."""
    words = (_SPELLINGS.get(word, word) for word in _WORD.findall(text.lower()))
    return tuple(word for word in words if word not in _ARTICLES)


def head(text: str) -> tuple[str, ...]:
    """What the first noun phrase says: its words up to the first that says where, without numbers and sizes.

    `two small red cups on the plate` gives `red cups`.
    """
    words: list[str] = []
    for word in normalised(text):
        if word in _AFTER_HEAD:
            break
        if word not in _COUNTING and word not in _SIZES:
            words.append(word)
    return tuple(words)


def says(text: str, colour: str, category: str) -> bool:
    """Whether the head is that colour and that category, in the singular or the plural, and nothing else."""
    words, right_colour = head(text), normalised(colour)
    cut = len(right_colour)
    return words[:cut] == right_colour and is_noun(words[cut:], normalised(category))


def is_noun(words: tuple[str, ...], noun: tuple[str, ...]) -> bool:
    """Whether the words are the noun, its last word in the singular or the plural."""
    if not noun or len(words) != len(noun):
        return False
    return words[:-1] == noun[:-1] and noun[-1] in _singulars(words[-1])


def _singulars(word: str) -> set[str]:
    """Everything that `word` may be the plural of, and itself."""
    found = {word, _IRREGULAR.get(word, word)}
    if word.endswith("ies"):
        found.add(word[:-3] + "y")
    if word.endswith("es"):
        found.add(word[:-2])
    if word.endswith("s"):
        found.add(word[:-1])
    return found
