"""What the words of an English phrase say about how many things it names, and about left and right (pure).

Rules of thumb over word forms, not a grammar; what they get wrong costs a question or a second look, never a box.
"""

from __future__ import annotations

import re

_SWAPPED = {"left": "right", "leftmost": "rightmost", "lefthand": "righthand", "leftward": "rightward"}
_SWAPPED |= {right: left for left, right in _SWAPPED.items()}
_SWAPPING = re.compile(rf"\b(?:{'|'.join(_SWAPPED)})\b", re.IGNORECASE)

_AFTER_HEAD = re.compile(
    r"\b(?:(?:left|right|top|front|back) of|next to|close to|(?:closest|closer|nearest|nearer) to"
    r"|(?:farthest|farther|furthest|further) from|above|among|around|at|behind|below|beneath|beside|between|beyond|by"
    r"|from|in|inside|is|are|near|nearest the|of|off|on|onto|over|that|to|under|underneath|which|who|with|without)\b"
)
_MANY = frozenset(
    {"all", "both", "few", "many", "most", "several", "some", "these", "those", "two", "three", "four", "five", "six",
     "seven", "eight", "nine", "ten", "eleven", "twelve"}
)  # fmt: skip
_PLURALS = frozenset({"children", "dice", "feet", "geese", "men", "mice", "people", "teeth", "women"})
_SINGULARS = frozenset(
    {"binoculars", "canvas", "gas", "goggles", "headphones", "jeans", "lens", "pants", "pliers", "scissors", "shorts",
     "sunglasses", "trousers", "tongs", "tweezers"}
)  # fmt: skip
_IN_OES = frozenset({"potato", "tomato"})
_SIBILANTS = ("s", "x", "z", "ch", "sh")
_SINGULAR_ENDINGS = ("ss", "us", "is")
_WORD = re.compile(r"[a-z]+|\d+")
_SAID_BEHIND = re.compile(r"(\S+) (?:that|which) is (\S+)\s*$")
_ONE = re.compile(r"^\s*an?\s+(?=\S)", re.IGNORECASE)


def names_several(phrase: str) -> bool:
    """`the cups`, `both boxes left of the plate`; not `the cup`, `the scissors`, `the cup between the boxes`."""
    text = phrase.lower()
    head = [word for word in _WORD.findall(text[: _end_of_head(text)]) if word not in ("a", "an", "the")]
    if any(word in _MANY or (word.isdigit() and int(word) > 1) for word in head):
        return True
    return bool(head) and _is_plural(head[-1])


def in_plural(phrase: str) -> str:
    """`the red cup` -> `the red cups`, `a cup that is red` -> `red cups`; one that names several stays."""
    if names_several(phrase) or not phrase.strip():
        return phrase
    text = _ONE.sub("", _SAID_BEHIND.sub(r"\2 \1", phrase))
    end = _end_of_head(text.lower())
    start, noun, space = re.fullmatch(r"(.*?)(\S+)(\s*)", text[:end], re.DOTALL).groups()  # type: ignore[union-attr]
    return start + _plural(noun) + space + text[len(text[:end]) :]


def swap_left_right(phrase: str) -> str:
    """The phrase for the picture's mirror image; its own inverse. Upper case is kept for first letters alone."""
    return _SWAPPING.sub(_swapped, phrase)


def swapped_words() -> dict[str, str]:
    """Each word that a mirror image turns into another one, with that."""
    return dict(_SWAPPED)


def _swapped(match: re.Match[str]) -> str:
    word = match.group()
    other = _SWAPPED[word.lower()]
    return other.capitalize() if word[0].isupper() else other


def _end_of_head(text: str) -> int | None:
    """Where the words that say where begin, or the like; None where nothing stands behind the noun."""
    return next((match.start() for match in _AFTER_HEAD.finditer(text) if _WORD.search(text[: match.start()])), None)


def _plural(noun: str) -> str:
    word = noun.lower()
    if word in _SINGULARS or word in _PLURALS:
        return noun
    if word.endswith(_SIBILANTS):
        return noun + "es"
    if word.endswith("fe"):
        return noun[:-2] + "ves"
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    return noun + ("es" if word in _IN_OES else "s")


def _is_plural(noun: str) -> bool:
    if noun in _PLURALS:
        return True
    return noun.endswith("s") and noun not in _SINGULARS and not noun.endswith(_SINGULAR_ENDINGS)
