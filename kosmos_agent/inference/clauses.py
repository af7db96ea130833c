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
_NO_THINGS = ("me", "us", "you", "it", "him", "her", "them", "here", "there", "of", "to", "from", "and", "or")
_ORDERS = frozenset(
    {"leftmost", "rightmost", "left", "right", "front", "back", "rear", "upper", "lower", "top", "bottom", "middle",
     "centre", "center", "central", "outer", "inner", "near", "nearer", "nearest", "far", "farther", "farthest",
     "further", "furthest", "close", "closer", "closest", "big", "bigger", "biggest", "large", "larger", "largest",
     "small", "smaller", "smallest", "little", "tall", "taller", "tallest", "short", "shorter", "shortest", "higher",
     "highest", "lowest", "wider", "widest", "narrower", "narrowest", "first", "second", "third", "fourth", "fifth",
     "sixth", "last", "next", "other"}
)  # fmt: skip
_SIDES = "left|right|front|back|top|bottom|middle|centre|center|corner|edge|side|foreground|background"
_WHERE = re.compile(
    r"\s+(?:(?:left|right|top|front|back) of|next to|(?:close|closer|closest|near|nearer|nearest) to"
    r"|(?:far|farther|farthest|further|furthest) from|in (?:front|back)|above|among|around|behind|below|beneath|beside"
    rf"|between|beyond|by|inside|near|off|onto|over|under|underneath|nearest (?:{'|'.join(_ARTICLES)})"
    rf"|(?:at|from|in|on|to)(?= (?:{'|'.join(_ARTICLES)}|its|each|{_SIDES})\b))\b"
)
_LOOKS_BEHIND = re.compile(r"(?P<noun>.*\S)(?P<looks>\s+(?:that|which) is (?P<word>\S+))$")
_ANY_OF_THEM = re.compile(r"(?:any|either|one|some)\b", re.IGNORECASE)
_CLEAR = "|".join(wording for wording in WORDINGS if wording not in ("on", "in", "inside", "nearest", "closest"))
"""What no other thing may follow without being one to lean on: `left of blue box`, but not `in red`."""
_CLAUSE = re.compile(
    r"\s+(?:that is |which is |standing |lying |sitting )?"
    rf"(?:(?P<wording>{'|'.join(WORDINGS)})\s+(?=(?:{'|'.join(_ARTICLES)})\s)(?!the (?:{'|'.join(_NO_ANCHORS)})\b)"
    rf"|(?P<clear>{_CLEAR})\s+(?=\w)(?!(?:{'|'.join((*_ARTICLES, *_NO_ANCHORS, *_NO_THINGS))})\b))"
)
_JOINED = re.compile(r"\s+and(?: is)?$")
_ENDS = " .,;:!?"


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
        """Neither beside what it stands nor which of several it is: who has two that look so must be asked which."""
        if self.clauses or names_several(self.head) or _ANY_OF_THEM.match(self.head):
            return False
        return self.plain_head == self.head

    @property
    def plain_head(self) -> str:
        """The head without words that say where it is or compare it with others: what it looks like by itself.

        `the thing` where nothing is left (`the leftmost`), but never for a head without words.
        """
        behind = _LOOKS_BEHIND.fullmatch(self.head)
        start, looks = (self.head, "") if behind is None else (behind["noun"], behind["looks"])
        if behind is not None and (behind["word"].lower() in _ORDERS or _WHERE.fullmatch(f" {behind['word'].lower()}")):
            looks = ""
        place = _WHERE.search(start.lower())
        words = start[: None if place is None else place.start()].split()
        kept = [word for word in words if word.lower().strip(_ENDS) not in _ORDERS]
        if not any(word.lower() not in _ARTICLES for word in kept):
            return "the thing" if self.head else self.head
        return " ".join(kept) + looks


def parse(phrase: str) -> ParsedPhrase:
    """Never fails: a phrase without a known wording is all head.

    A second clause counts for the head where it is joined by `and` (`left of the box and behind the cup`); without,
    it belongs to the anchor (`left of the box on the plate`).
    """
    text = " ".join(phrase.split())
    text = text.rstrip(_ENDS) or text
    first = _CLAUSE.search(text.lower())
    if first is None:
        return ParsedPhrase(text, ())
    head = text[: first.start()].rstrip(_ENDS) or text[: first.start()]
    clauses: list[ClaimedPlace] = []
    match: re.Match[str] | None = first
    while match is not None:
        following = _next_joined(text, match.end()) if len(clauses) + 1 < MAX_CLAUSES else None
        end = len(text) if following is None else following.start()
        anchor = _JOINED.sub("", text[match.end() : end])
        name = "clear" if match["wording"] is None else "wording"
        words = text[match.start(name) : match.end(name)]
        clauses.append(ClaimedPlace(f"{words} {anchor}", WORDINGS[match[name]], anchor))
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
