"""What a command asks for, step by step (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PlaceRelation = Literal["on", "in", "left of", "right of", "in front of", "behind", "next to"]


@dataclass(frozen=True)
class Find:
    """Where in the picture; of `many` things ("all the cups") each."""

    phrase: str


@dataclass(frozen=True)
class Locate:
    """Where in metres."""

    phrase: str


@dataclass(frozen=True)
class Count:
    """How many."""

    phrase: str


@dataclass(frozen=True)
class Check:
    """Whether it is there."""

    phrase: str


@dataclass(frozen=True)
class DescribeScene:
    """What there is to see."""


@dataclass(frozen=True)
class DescribeThing:
    """What it looks like."""

    phrase: str


@dataclass(frozen=True)
class Ask:
    """Any other question about what is to be seen, as it was put."""

    question: str


@dataclass(frozen=True)
class Pick:
    """Grasp and lift. to_person: it was asked for ("bring me ..."), which an arm on a table cannot finish."""

    phrase: str
    to_person: bool = False


@dataclass(frozen=True)
class Place:
    """Put down what is held. phrase: of the thing that it shall be put at; None: nobody said."""

    phrase: str | None
    relation: PlaceRelation = "on"


@dataclass(frozen=True)
class Help:
    """What can be asked for."""


@dataclass(frozen=True)
class Stop:
    """Forget what was asked before."""


Step = Find | Locate | Count | Check | DescribeScene | DescribeThing | Ask | Pick | Place | Help | Stop


@dataclass(frozen=True)
class Plan:
    """The steps in the order in which they were said."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class NotUnderstood:
    """words: the part that nothing was made of. reason: why, where more can be said than that; else empty."""

    words: str
    reason: str = ""


def thing_of(step: Step) -> str | None:
    """The phrase that the step names, for a later "it"."""
    return getattr(step, "phrase", None)
