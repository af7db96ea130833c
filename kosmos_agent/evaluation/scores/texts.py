"""What a model wrote of a picture beside what people wrote (pure)."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from kosmos_agent.evaluation.benchmarks.samples import BoxPx


@dataclass(frozen=True)
class TextRecord:
    """One text asked for. asked: the question, or nothing. references: captions, expressions, or ten people's answers.

    box_px: the region that the text is of. refused: why it could not be asked at all; the text is then empty.
    """

    id: str
    image: str
    width: int
    height: int
    asked: str
    text: str
    references: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    box_px: BoxPx | None = None
    refused: str | None = None
