"""VQA's own rules for when two answers are the same (pure; the rules of the VQA evaluation of Antol et al. 2015).

Lower case; number words to ten as digits; no articles; missing apostrophes of contractions put back; punctuation taken
out: without a space where it touches one, or where the text holds a number like 100,978; else replaced by a space.
Apostrophes and colons stay (girl's, 2:50), and periods inside numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

_DIGITS = {
    word: str(value)
    for value, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
} | {"none": "0"}
_ARTICLES = frozenset({"a", "an", "the"})
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_THOUSANDS = re.compile(r"\d,\d")
_PERIOD = re.compile(r"\.(?!\d)")

_FULL = (
    "ain't", "aren't", "can't", "could've", "couldn't", "couldn't've", "didn't", "doesn't", "don't", "hadn't",
    "hadn't've", "hasn't", "haven't", "he'd", "he'd've", "he's", "how'd", "how'll", "how's", "isn't", "it'd", "it'd've",
    "it'll", "let's", "ma'am", "mightn't", "mightn't've", "might've", "mustn't", "must've", "needn't", "not've",
    "o'clock", "oughtn't", "shan't", "she'd've", "she's", "should've", "shouldn't", "shouldn't've", "somebody'd've",
    "somebody'll", "somebody's", "someone'd", "someone'd've", "someone'll", "someone's", "something'd",
    "something'd've", "something'll", "that's", "there'd", "there'd've", "there're", "there's", "they'd", "they'd've",
    "they'll", "they're", "they've", "'twas", "wasn't", "we'd've", "we've", "weren't", "what'll", "what're", "what's",
    "what've", "when's", "where'd", "where's", "where've", "who'd", "who'd've", "who'll", "who's", "who've", "why'll",
    "why're", "why's", "won't", "would've", "wouldn't", "wouldn't've", "y'all", "y'all'll", "y'all'd've", "you'd",
    "you'd've", "you'll", "you're", "you've",
)  # fmt: skip


def _misspelt(word: str) -> Iterator[str]:
    """Every spelling with at least one apostrophe left out."""
    parts = word.split("'")
    for marks in product(("'", ""), repeat=len(parts) - 1):
        spelling = parts[0] + "".join(mark + part for mark, part in zip(marks, parts[1:], strict=True))
        if spelling != word:
            yield spelling


_CONTRACTIONS = {spelling: word for word in _FULL for spelling in _misspelt(word)}


def normalised_answer(text: str) -> str:
    """What a model's answer is compared as."""
    words = without_punctuation(text.replace("\n", " ").replace("\t", " ").strip()).lower().split()
    kept = [word for word in (_DIGITS.get(word, word) for word in words) if word not in _ARTICLES]
    return " ".join(_CONTRACTIONS.get(word, word) for word in kept)


def without_punctuation(text: str) -> str:
    """All that is done to people's answers, and only where they differ."""
    has_thousands = _THOUSANDS.search(text) is not None
    cleaned = text
    for mark in _PUNCTUATION:
        touches_space = f"{mark} " in text or f" {mark}" in text
        cleaned = cleaned.replace(mark, "" if touches_space or has_thousands else " ")
    return _PERIOD.sub("", cleaned)
