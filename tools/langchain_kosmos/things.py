"""The words that name a thing, and what "it" stands for (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kosmos_agent.phrases import names_several
from langchain_kosmos.destinations import PRONOUNS
from langchain_kosmos.plans import NotUnderstood
from langchain_kosmos.sentences import Quotes

ONE_AT_A_TIME = "the arm holds one thing at a time; name one"
NO_ANTECEDENT = "nothing was named before that this could stand for; name the thing"

_HERE = re.compile(r"\s+(?:over )?(?:here|there)$", re.I)
_WAY_OUT = re.compile(
    r"\s+(?P<out>out of|off of|off|from)\s+(?=(?:the|a|an|my|your)\s)"
    r"(?!the (?:left|right|middle|centre|center|front|back)\b)", re.I,
)  # fmt: skip
_POINTING = re.compile(r"^(?:that|this)\s+(?=\w)", re.I)
_NAME_JOINT = re.compile(r"\s*,\s+and\s+|\s+and\s+|\s*,\s+", re.I)
_NAME = re.compile(r"(?:the|a|an|my|your|that|this|all|both|some)\s|\ue000", re.I)
_ANYTHING = re.compile(r"[^\W_]")


_NO_QUOTES = Quotes(())


class Unclear(Exception):  # noqa: N818 - an answer on its way up, not a fault
    """Carries the answer of a rule that fits and still makes nothing of the words."""

    def __init__(self, words: str, reason: str = "") -> None:
        super().__init__(words)
        self.answer = NotUnderstood(words, reason)


@dataclass(frozen=True)
class Context:
    """last: the phrase named last. held: the phrase of what is in the gripper. quotes: of the text being read."""

    last: str | None = None
    held: str | None = None
    quotes: Quotes = _NO_QUOTES

    def naming(self, phrase: str | None) -> Context:
        return self if phrase is None else replace(self, last=phrase)

    def holding(self, phrase: str | None) -> Context:
        return replace(self, held=phrase)


def is_pronoun(text: str) -> bool:
    return text.strip().lower() in PRONOUNS


def thing(text: str, context: Context) -> str:
    """The phrase, as a grounder takes it; Unclear for a pronoun that stands for nothing, and for no words at all."""
    words = text.strip(" ,:;")
    if is_pronoun(words):
        return _antecedent(words, context.last)
    words = _HERE.sub("", words)
    words = _WAY_OUT.sub(lambda match: " in " if match["out"].lower() == "out of" else " on ", words)
    words = context.quotes.restore(_POINTING.sub("the ", words))
    if words.lower().endswith((" and", " or")):
        raise Unclear(words, "something seems to be missing after it")
    if not _ANYTHING.search(words):
        raise Unclear(text.strip() or "...", "it names no thing")
    return words


def one_thing(text: str, context: Context) -> str:
    """The phrase of something to grasp; Unclear where it names several."""
    phrase = thing(text, context)
    if len(several(text)) > 1 or ("\ue000" not in text and names_several(phrase)):
        raise Unclear(phrase, ONE_AT_A_TIME)
    return phrase


def held_or_last(text: str, context: Context) -> str:
    """What shall be put somewhere: "it" is what is held before it is what was named."""
    if is_pronoun(text) or not text.strip():
        return context.held or _antecedent(text.strip() or "it", context.last)
    return one_thing(text, context)


def several(text: str) -> list[str]:
    """`the cup, the fork and the bowl` -> three names; `the block between the cup and the bowl` is one."""
    if re.search(r"\bbetween\b", text, re.I):
        return [text]
    parts: list[str] = []
    start = 0
    for joint in _NAME_JOINT.finditer(text):
        if _NAME.match(text, joint.end()):
            parts.append(text[start : joint.start()])
            start = joint.end()
    return [*parts, text[start:]]


def _antecedent(word: str, phrase: str | None) -> str:
    if phrase is None:
        raise Unclear(word, NO_ANTECEDENT)
    return phrase
