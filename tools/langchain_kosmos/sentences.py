"""A command's text cut into clauses, one for each thing asked (pure).

Quoted words are a name and nothing else: they are taken out before anything is read, and put back into phrases at the
end, so that no verb or full stop between quotation marks starts a clause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_CHARACTERS = 1000
MAX_CLAUSES = 12

_QUOTED = re.compile(r'"[^"]*(?:"|$)|“[^”]*(?:”|$)|«[^»]*(?:»|$)|`[^`]*(?:`|$)|(?<!\w)[\'‘][^\'’]+[\'’](?!\w)')
_MARK = re.compile("\ue000(\\d+)\ue001")
_PRIVATE = re.compile("[\ue000\ue001]")

_OPENERS = (
    r"pick|grab|grasp|take|lift|get|fetch|collect|bring|give|hand|pass|put|place|set|lay|drop|move|stack|transfer|"
    r"release|find|locate|look|search|show|point|count|describe|tell|check|see|do you|can you|could you|would you|"
    r"will you|please|stop|cancel|help|"
    r"i (?:want|need|would)|"
    r"(?:where|what|which|who|how|why)(?:'s|'re)?\b|"
    r"(?:is|are) (?:there|the|a|an|any|it|this|that|these|those)"
)
_ADVERBS = r"(?:(?:then|after that|afterwards|next|finally|also|now|please|kindly)\s+)*"
OPENING = re.compile(rf"{_ADVERBS}(?:{_OPENERS})\b", re.I)
_JOINT = re.compile(r"\s*,?\s+(?:and then|and|then|after that|afterwards|but first)\s+|\s*,\s+", re.I)
_THEN = re.compile(r"\b(?:then|after that|afterwards)\b", re.I)
_STOPS = re.compile(r"(?<=[^\s.;!?])[.;!?]+(?=\s|$)|\n+")
_PLEASE_INSIDE = re.compile(r"\s*,\s*please\s*,\s*", re.I)
_BEFORE = re.compile(
    r"(?:(?:hey|hi|hello|ok|okay|well|so|dear|robot|kosmos|please|kindly|just|first|now|then|next(?! to)|also|finally|"
    r"and|if so|after that|afterwards)\b[\s,:]*|"
    r"(?:can|could|would|will) (?:you|u)\b[\s,]*|"
    r"i(?:'d| would) like you to\s+|i (?:want|need) you to\s+|i(?:'d| would) like to know (?:if|whether)?\s*)",
    re.I,
)
_AFTER = re.compile(
    r"[\s,]*(?:\b(?:please|for me|right now|now|thanks|thank you|would you|will you|could you|can you|if you can|"
    r"robot)|[.;!?,:]+)$",
    re.I,
)


@dataclass(frozen=True)
class Quotes:
    """The quoted spans of a text, marks of quotation included, by number."""

    spans: tuple[str, ...]

    def restore(self, text: str) -> str:
        """Puts the spans back."""
        return _MARK.sub(lambda match: self.spans[int(match[1])], text)


def take_out_quotes(text: str) -> tuple[str, Quotes]:
    """The text, white space evened out, with a numbered mark for each quoted span. A quotation without an end goes
    to the end of the text."""
    spans: list[str] = []

    def keep(match: re.Match[str]) -> str:
        spans.append(" ".join(match[0].split()))
        return f"\ue000{len(spans) - 1}\ue001"

    marked = _QUOTED.sub(keep, _PRIVATE.sub(" ", text).replace("’", "'"))
    lines = (" ".join(line.split()) for line in marked.splitlines())
    return "\n".join(line for line in lines if line), Quotes(tuple(spans))


def clauses(marked: str) -> list[str]:
    """Cuts at full stops, at `then`, and at `and` and commas where something new is asked; polite words gone."""
    parts: list[str] = []
    for sentence in _STOPS.split(_PLEASE_INSIDE.sub(" ", marked)):
        start = 0
        for joint in _JOINT.finditer(sentence):
            if _THEN.search(joint[0]) or OPENING.match(sentence, joint.end()):
                parts.append(sentence[start : joint.start()])
                start = joint.end()
        parts.append(sentence[start:])
    return [bare for part in parts if (bare := without_politeness(part))]


def without_politeness(clause: str) -> str:
    """`could you please find the cup for me` -> `find the cup`."""
    text = clause.strip()
    while (match := _BEFORE.match(text)) and match.end():
        text = text[match.end() :]
    while (match := _AFTER.search(text)) and match.start() < len(text):
        text = text[: match.start()]
    return text.strip()
