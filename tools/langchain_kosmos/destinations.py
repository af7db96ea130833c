"""Where something shall be put: `the cup on the plate into the bowl` -> thing, relation, the other thing (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from langchain_kosmos.plans import PlaceRelation

WORDINGS: dict[str, PlaceRelation] = {
    "to the left side of": "left of", "on the left side of": "left of", "to the left of": "left of",
    "on the left of": "left of", "left of": "left of",
    "to the right side of": "right of", "on the right side of": "right of", "to the right of": "right of",
    "on the right of": "right of", "right of": "right of",
    "in front of": "in front of", "behind": "behind",
    "next to": "next to", "beside": "next to", "close to": "next to", "near to": "next to", "near": "next to",
    "on top of": "on", "onto": "on", "upon": "on", "on": "on",
    "inside of": "in", "inside": "in", "into": "in", "in": "in",
}  # fmt: skip
"""Longer wordings first."""

_GOING = ("onto", "into", "to the left side of", "to the right side of", "to the left of", "to the right of")
"""Only ever said of a way, never of a place where something stands already."""
_SIDES = r"left|right|middle|centre|center|front|back|foreground|background|corner"
_WORDING = re.compile(
    rf"(?:(?<=\s)|^)(?P<wording>{'|'.join(WORDINGS)})\s+(?!the (?:{_SIDES})\b(?! of| side of))(?=\S)", re.I
)
PRONOUNS = frozenset({"it", "that", "this", "them", "these", "those", "this one", "that one"})


@dataclass(frozen=True)
class Destination:
    """`thing` shall stand in `relation` to `anchor`; phrases as written, pronouns not resolved."""

    thing: str
    relation: PlaceRelation
    anchor: str


def split(text: str) -> Destination | None:
    """None without a wording that is known, or with nothing on one side of it.

    Of several wordings the last one is the destination, for those before it tell which thing is meant; but a pronoun
    needs no telling, and `into` and `onto` are of no other use.
    """
    found = [match for match in _WORDING.finditer(text) if text[: match.start()].strip()]
    if not found:
        return None
    going = [match for match in found if match["wording"].lower() in _GOING]
    first_is_it = text[: found[0].start()].strip().lower() in PRONOUNS
    at = found[0] if first_is_it else going[0] if len(going) == 1 else found[-1]
    thing, anchor = text[: at.start()].strip(), text[at.end() :].strip()
    return Destination(thing, WORDINGS[at["wording"].lower()], anchor) if anchor else None


def leading(text: str) -> tuple[PlaceRelation, str] | None:
    """`left of the plate` -> its relation and its other thing; None where the text does not begin so."""
    match = _WORDING.match(text)
    return (WORDINGS[match["wording"].lower()], text[match.end() :].strip()) if match else None
