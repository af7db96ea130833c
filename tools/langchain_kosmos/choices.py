"""Replies to "which one?": the left one, number 2, the red one; and which candidate they pick (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kosmos_agent.clarify import counted
from kosmos_agent.inference.clauses import parse as parse_phrase
from kosmos_agent.results import Box
from langchain_kosmos.sentences import take_out_quotes, without_politeness

Side = Literal["left", "right", "front", "back", "larger", "smaller", "middle", "any"]


@dataclass(frozen=True)
class BySide:
    """The one that lies farthest to that side, or is of that size."""

    side: Side


@dataclass(frozen=True)
class ByNumber:
    """As the question counted, from 1; -1: the last."""

    number: int


@dataclass(frozen=True)
class ByPhrase:
    """Words that name the thing anew."""

    phrase: str


@dataclass(frozen=True)
class Neither:
    """None of them."""


Choice = BySide | ByNumber | ByPhrase | Neither

_SIDES: dict[str, Side] = {
    "left": "left", "leftmost": "left", "left hand": "left", "left-hand": "left",
    "right": "right", "rightmost": "right", "right hand": "right", "right-hand": "right",
    "front": "front", "nearer": "front", "nearest": "front", "near": "front", "closer": "front", "closest": "front",
    "in front": "front", "at the front": "front",
    "back": "back", "farther": "back", "further": "back", "farthest": "back", "furthest": "back", "far": "back",
    "behind": "back", "at the back": "back", "in the back": "back",
    "larger": "larger", "largest": "larger", "bigger": "larger", "biggest": "larger", "big": "larger",
    "large": "larger",
    "smaller": "smaller", "smallest": "smaller", "small": "smaller", "little": "smaller",
    "middle": "middle", "centre": "middle", "center": "middle", "in the middle": "middle",
    "on the left": "left", "to the left": "left", "on the right": "right", "to the right": "right",
    "any": "any", "either": "any", "whichever": "any",
}  # fmt: skip
_ORDINALS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "last": -1,
}  # fmt: skip
_VERB = re.compile(
    r"^(?:i (?:mean|meant|want|choose)|(?:pick up|pick|grab|grasp|take|get|choose|bring me|give me|use|it is|it's|"
    r"that is|that's|make it))\s+",
    re.I,
)
_NUMBER = re.compile(r"(?:the )?(?:number|no\.?|#|candidate)? ?(?P<digits>\d{1,3})(?:st|nd|rd|th)?(?: one)?", re.I)
_WORD_NUMBER = re.compile(
    rf"(?:number (?P<n>{'|'.join(_ORDINALS)})|(?:the )?(?P<o>{'|'.join(_ORDINALS)})(?: one)?)", re.I
)
_SIDE = re.compile(
    rf"(?:the )?(?:one |thing )?(?:that is |which is )?(?P<side>{'|'.join(sorted(_SIDES, key=len, reverse=True))})"
    r"(?: (?:one|of them|of the two|of these))?",
    re.I,
)
_NEITHER = re.compile(r"(?:neither|none|no|nope|nothing|not any)(?: one)?(?: of (?:them|these|those))?", re.I)
_THE_ONE = re.compile(r"\bones?\b", re.I)
_NAMED = re.compile(r"(?:the|a|an|my|that|this)\s.+", re.I)


def read_choice(reply: str, asked_phrase: str) -> Choice | None:
    """What a reply to the question about `asked_phrase` says; None where it is no such reply."""
    marked, quotes = take_out_quotes(reply)
    words = without_politeness(_VERB.sub("", without_politeness(" ".join(marked.split()))))
    if _NEITHER.fullmatch(words):
        return Neither()
    if match := _SIDE.fullmatch(words):
        return BySide(_SIDES[match["side"].lower()])
    if match := _NUMBER.fullmatch(words):
        return ByNumber(int(match["digits"]))
    if match := _WORD_NUMBER.fullmatch(words):
        return ByNumber(_ORDINALS[(match["n"] or match["o"]).lower()])
    if not _NAMED.fullmatch(words):
        return None
    return ByPhrase(quotes.restore(_THE_ONE.sub(lambda _: noun_of(asked_phrase), words, count=1)))


def choose(choice: BySide | ByNumber, boxes: Sequence[Box]) -> int | None:
    """Index of the candidate; None where the choice fits none of them, or not one more than another."""
    if not boxes:
        return None
    if isinstance(choice, ByNumber):
        number = len(boxes) if choice.number == -1 else choice.number
        return counted(boxes)[0][number - 1] if 1 <= number <= len(boxes) else None
    indices = range(len(boxes))
    match choice.side:
        case "any":
            return 0
        case "middle":
            return counted(boxes)[0][len(boxes) // 2] if len(boxes) % 2 else None
        case "left" | "right":
            keys = [box.centre[0] for box in boxes]
        case "front" | "back":
            keys = [-box.centre[1] for box in boxes]
        case "smaller" | "larger":
            keys = [box.area for box in boxes]
    far = max if choice.side in ("right", "back", "larger") else min
    return far(indices, key=lambda index: keys[index])


def noun_of(phrase: str) -> str:
    """`the red cup left of the box` -> `cup`."""
    return parse_phrase(phrase).head.split()[-1]
