"""Plurals, articles and noun phrases."""

from __future__ import annotations

from random import Random

Head = tuple[str | None, str | None]
"""(colour, category) that a noun phrase states; None where it does not say."""

_IRREGULAR = {"knife": "knives", "potato": "potatoes", "tomato": "tomatoes", "scissors": "scissors", "dice": "dice"}
_SIBILANTS = ("s", "x", "z", "ch", "sh")


def plural(noun: str) -> str:
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(_SIBILANTS):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def with_article(words: str) -> str:
    """`a` or `an` in front, by the first letter."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def colour_word(colour: str, rng: Random) -> str:
    return "grey" if colour == "gray" and rng.random() < 0.2 else colour


def head_words(head: Head, rng: Random, *, many: bool = False) -> str:
    """`red cup`, `cup`, `red thing`, `object`; in the plural where `many`."""
    colour, category = head
    noun = category or ("thing" if rng.random() < 0.5 else "object")
    noun = plural(noun) if many else noun
    return f"{colour_word(colour, rng)} {noun}" if colour else noun


def definite(head: Head, rng: Random) -> str:
    """Always with `the`, as anchors are named."""
    return f"the {head_words(head, rng)}"


def varied(words: str, rng: Random, *, indefinite: bool = True) -> str:
    """Mostly `the red cup`; sometimes `red cup` or, where `indefinite`, `a red cup`."""
    draw = rng.random()
    if draw < 0.08:
        return words
    if draw < 0.15 and indefinite:
        return with_article(words)
    return f"the {words}"


def named(head: Head, rng: Random) -> str:
    """A whole phrase for one thing, now and then with the colour behind: `the cup that is red`."""
    colour, category = head
    if colour and category and rng.random() < 0.06:
        return f"the {category} that is {colour_word(colour, rng)}"
    return varied(head_words(head, rng), rng)
