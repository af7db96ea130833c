"""What can be asked of a picture: the one request type of every way to a model in another thread or process (pure).

Tasks have the names of `kosmos_interfaces/action/Ground`; words are judged as `View` judges them, with the same errors.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.markup import escape_user_text
from kosmos_agent.results import Box

MAX_TOGETHER = 64
"""Phrases, boxes or questions of one request."""


class _Ask(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def cost(self) -> int:
        """How long it takes, in phrases."""
        return 1


class FindAsk(_Ask):
    """Where are these? each: all the things that a plural phrase names."""

    task: Literal["find"] = "find"
    phrases: tuple[str, ...] = Field(description='Things in plain words, e.g. "the red cup left of the plate".')
    each: bool = Field(default=False, description="Find all the things that a plural phrase names.")
    zoom: bool | None = Field(default=None, description="Look again at small things; null leaves it to the model.")

    @field_validator("phrases")
    @classmethod
    def _words(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(phrases, "phrases")

    @model_validator(mode="after")
    def _one_way(self) -> FindAsk:
        if self.each and self.zoom is not None:
            raise InvalidArgumentError("zoom with each; valid: zoom for single things alone")
        return self

    @property
    def cost(self) -> int:
        return len(self.phrases)


class DescribeAsk(_Ask):
    """What is in these boxes?"""

    task: Literal["describe"] = "describe"
    boxes: tuple[Box, ...] = Field(description="Corners as shares of the picture, from its top left.")
    zoom: bool | None = Field(default=None, description="See each box through a window around it.")

    @field_validator("boxes")
    @classmethod
    def _some(cls, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        _check_count(len(boxes), "boxes")
        return boxes

    @property
    def cost(self) -> int:
        return 4 * len(self.boxes)


class CaptionAsk(_Ask):
    """What is in the picture?"""

    task: Literal["caption"] = "caption"
    style: Literal["brief", "detailed"] = "brief"
    zoom: bool | None = Field(default=None, description="Look again at each thing that a brief caption lists.")

    @property
    def cost(self) -> int:
        return 8


class AnswerAsk(_Ask):
    """Answers to questions about the picture."""

    task: Literal["answer"] = "answer"
    questions: tuple[str, ...] = Field(description='About what is in view, e.g. "how many cups are there?".')

    @field_validator("questions")
    @classmethod
    def _words(cls, questions: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(questions, "questions")

    @property
    def cost(self) -> int:
        return 4 * len(self.questions)


Ask: TypeAlias = FindAsk | DescribeAsk | CaptionAsk | AnswerAsk
AnyAsk = Annotated[Ask, Field(discriminator="task")]


def in_words(error: ValidationError) -> str:
    """What pydantic found wrong, without what was given, which may be a picture."""
    parts = error.errors(include_url=False, include_input=False)
    told = [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" if part["loc"] else part["msg"] for part in parts]
    return "; ".join(told[:4])


def _checked(texts: tuple[str, ...], what: str) -> tuple[str, ...]:
    _check_count(len(texts), what)
    for text in texts:
        escape_user_text(text)
    return texts


def _check_count(count: int, what: str) -> None:
    if not 1 <= count <= MAX_TOGETHER:
        raise InvalidArgumentError(f"{count} {what}; valid: 1 to {MAX_TOGETHER} at a time")
