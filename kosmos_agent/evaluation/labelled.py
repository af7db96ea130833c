"""Labelled pictures: what may be asked of a picture, with what is right (no torch; `docs/evaluation.md`).

Boxes are fractions of the picture, as everywhere. Labels know nothing of where the picture came from: a renderer, a
camera with boxes drawn by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainSerializer, StrictBool, StringConstraints
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import InvalidBoxError
from kosmos_agent.markup import escape_user_text
from kosmos_agent.results import Box

MAX_PHRASES, MAX_THINGS, MAX_BOXES, MAX_ANSWERS = 64, 256, 64, 16
"""Bounds on what one picture may hold; `MAX_PHRASES` holds for phrases, ambiguous ones, questions and regions each."""
_DIGITS = 6


def _box(value: Any) -> Any:
    if isinstance(value, Box):
        return value
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 4:
        raise InvalidBoxError(f"box {value!r}; valid: four numbers x1, y1, x2, y2 in [0, 1]")
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in value):
        raise InvalidBoxError(f"box {value!r} holds what is no number")
    x1, y1, x2, y2 = value
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


def _asked(text: str) -> str:
    escape_user_text(text)
    return text


LabelBox = Annotated[Box, BeforeValidator(_box), PlainSerializer(lambda box: [round(v, _DIGITS) for v in box.corners])]
Text = Annotated[str, AfterValidator(_asked)]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9 _-]{0,39}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z -]{0,39}$")]
Answer = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"[A-Za-z0-9]")]

_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=False)


@dataclass(frozen=True, config=_STRICT)
class LabelledPhrase:
    """A phrase, its kind, and the boxes that it names: one, several (plural), or none (absent)."""

    text: Text
    kind: Kind
    boxes: Annotated[tuple[LabelBox, ...], Field(max_length=MAX_BOXES)]


def _of_several(phrase: LabelledPhrase) -> LabelledPhrase:
    if len(phrase.boxes) < 2:
        raise ValueError(f"{phrase.text!r} has {len(phrase.boxes)} boxes; ambiguous is what two or more fit")
    return phrase


AmbiguousPhrase = Annotated[LabelledPhrase, AfterValidator(_of_several)]


@dataclass(frozen=True, config=_STRICT)
class LabelledRegion:
    """A box to describe, and the words that are right for what it holds."""

    box: LabelBox
    colour: Word
    category: Word


@dataclass(frozen=True, config=_STRICT)
class LabelledThing:
    """A thing that a caption may name. `prominent`: a brief caption is expected to."""

    box: LabelBox
    colour: Word
    category: Word
    prominent: StrictBool


@dataclass(frozen=True, config=_STRICT)
class LabelledQuestion:
    """A question, its kind, and every answer that is accepted (compared by `wording.normalised`)."""

    text: Text
    kind: Kind
    answers: Annotated[tuple[Answer, ...], Field(min_length=1, max_length=MAX_ANSWERS)]


@dataclass(frozen=True, config=_STRICT)
class PictureLabels:
    """All labels of one picture. image: its file, relative to the folder of the labels, parts joined by `/`.

    things: ALL that show, or the naming of one that was left out counts as an error of a caption.
    ambiguous: phrases for one thing that each of their boxes fits; the right answer asks which is meant.
    """

    image: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    phrases: Annotated[tuple[LabelledPhrase, ...], Field(max_length=MAX_PHRASES)] = ()
    regions: Annotated[tuple[LabelledRegion, ...], Field(max_length=MAX_PHRASES)] = ()
    things: Annotated[tuple[LabelledThing, ...], Field(max_length=MAX_THINGS)] = ()
    questions: Annotated[tuple[LabelledQuestion, ...], Field(max_length=MAX_PHRASES)] = ()
    ambiguous: Annotated[tuple[AmbiguousPhrase, ...], Field(max_length=MAX_PHRASES)] = ()


@plain_dataclass(frozen=True)
class LabelledPicture:
    """rgb: (H, W, 3) uint8."""

    rgb: NDArray[np.uint8]
    labels: PictureLabels
