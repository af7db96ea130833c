"""What a referring phrase claims about place: `the red cup left of the blue box` -> a head and its clauses (pure).

A small closed grammar of English spatial wordings, so that a claim can be checked against geometry after the model
has answered. Words that it does not know stay in the head, where the model alone is responsible for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kosmos_agent.phrases import names_several
from kosmos_agent.results import Relation

WORDINGS: dict[str, Relation] = {
    "to the left of": "left of", "on the left of": "left of", "left of": "left of",
    "to the right of": "right of", "on the right of": "right of", "right of": "right of",
    "in front of": "in front of", "behind": "behind",
    "next to": "next to", "beside": "next to",
    "on top of": "on", "on": "on", "inside": "on", "in": "on",
    "nearest to": "nearest to", "closest to": "nearest to", "nearest": "nearest to", "closest": "nearest to",
}  # fmt: skip
"""Longer wordings first. Standing on a plate and lying in a bowl are one relation: its middle is over the other."""

MAX_CLAUSES = 3
"""Each costs another phrase to find. Words beyond them stay with the last anchor."""

_ARTICLES = ("the", "a", "an", "this", "that", "my", "your")
_NO_ANCHORS = ("left", "right", "middle", "centre", "center", "front", "back", "foreground", "background", "corner")
"""`the cup on the left` names no other thing."""
_ORDERS = (
    "leftmost", "rightmost", "nearest", "farthest", "furthest", "closest", "biggest", "largest", "smallest",
    "first", "second", "third", "fourth", "middle", "big", "large", "small", "little",
)  # fmt: skip
_PLACES = re.compile(r"\s+(?:from|on) the (?:left|right)$|\s+in the (?:middle|centre|center)$")
_CLAUSE = re.compile(
    rf"\s+(?:that is |which is |standing |lying |sitting )?(?P<wording>{'|'.join(WORDINGS)})"
    rf"\s+(?=(?:{'|'.join(_ARTICLES)})\s)(?!the (?:{'|'.join(_NO_ANCHORS)})\b)"
)
_JOINED = re.compile(r"\s+and(?: is)?$")


@dataclass(frozen=True)
class ClaimedPlace:
    """`words` as written, the relation that they mean, and the phrase of the thing that they lean on."""

    words: str
    relation: Relation
    anchor: str


@dataclass(frozen=True)
class ParsedPhrase:
    """head: the phrase without its clauses. Clauses are all about the head, in the order written."""

    head: str
    clauses: tuple[ClaimedPlace, ...]

    @property
    def claims_nearest(self) -> bool:
        return any(clause.relation == "nearest to" for clause in self.clauses)

    @property
    def claims_nothing_of_place(self) -> bool:
        """Neither beside what it stands nor which of several it is: any one thing that looks so fits it."""
        return not self.clauses and self.plain_head == self.head and not names_several(self.head)

    @property
    def plain_head(self) -> str:
        """The head without words that compare it with others: what it looks like, whatever stands around it."""
        words = _PLACES.sub("", self.head).split()
        kept = [word for word in words if word.lower() not in _ORDERS]
        named = [word for word in kept if word.lower() not in _ARTICLES]
        return " ".join(kept) if named else self.head


def parse(phrase: str) -> ParsedPhrase:
    """Never fails: a phrase without a known wording is all head.

    A second clause counts for the head where it is joined by `and` (`left of the box and behind the cup`); without,
    it belongs to the anchor (`left of the box on the plate`).
    """
    text = " ".join(phrase.split())
    first = _CLAUSE.search(text.lower())
    if first is None:
        return ParsedPhrase(text, ())
    head = text[: first.start()]
    clauses: list[ClaimedPlace] = []
    match: re.Match[str] | None = first
    while match is not None:
        following = _next_joined(text, match.end()) if len(clauses) + 1 < MAX_CLAUSES else None
        end = len(text) if following is None else following.start()
        anchor = _JOINED.sub("", text[match.end() : end])
        words = text[match.start("wording") : match.end("wording")]
        clauses.append(ClaimedPlace(f"{words} {anchor}", WORDINGS[match["wording"]], anchor))
        match = following
    return ParsedPhrase(head, tuple(clauses))


def with_anchors(phrases: Sequence[str]) -> list[str]:
    """The phrases, and behind them each phrase that any of them leans on, once."""
    anchors = dict.fromkeys(claim.anchor for phrase in phrases for claim in parse(phrase).clauses)
    return [*phrases, *anchors]


def _next_joined(text: str, start: int) -> re.Match[str] | None:
    """The next clause behind an `and`."""
    found = _CLAUSE.finditer(text.lower(), start)
    return next((match for match in found if _JOINED.search(text[start : match.start()])), None)
