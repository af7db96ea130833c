"""A picture that was read, and the ways to look at it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kosmos_agent import prompts
from kosmos_agent.inference.corners import CornerScores, score_corners
from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.inference.windows import Window
from kosmos_agent.inference.zoom import Zoom
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.phrases import swap_left_right
from kosmos_agent.tokenizer import Tokenizer

Part = tuple[Window, bool]
"""What lies in a window, and whether its mirror image is looked at."""


@dataclass(frozen=True)
class Looks:
    """size: width, height in pixels. mirrored: its mirror image. parts: some parts of it, read in one pass.

    both_ways: whether the mirror image has a say in every answer. zoom: whether small things get a second look, and
    at what distance; None for never.
    """

    model: Kosmos2
    tokenizer: Tokenizer
    frame: EncodedFrame
    size: tuple[int, int]
    mirrored: Callable[[], EncodedFrame]
    parts: Callable[[Sequence[Part]], EncodedFrame]
    both_ways: bool = False
    zoom: Zoom | None = None

    @property
    def ways(self) -> tuple[bool, ...]:
        """Whether mirrored, of each way to look."""
        return (False, True) if self.both_ways else (False,)

    def scores(
        self, phrases: Sequence[str], *, mirrored: bool = False, likelihood: bool = False
    ) -> list[list[CornerScores]]:
        """Of each phrase in the picture; mirrored: in its mirror image too, in the same pass."""
        frames, texts = [self.frame], [self.ids(phrases)]
        if mirrored:
            frames.append(self.mirrored())
            texts.append(self.ids([swap_left_right(phrase) for phrase in phrases]))
        return score_corners(self.model, self.tokenizer, frames, texts, phrase_likelihood=likelihood)

    def ids(self, phrases: Sequence[str]) -> list[Sequence[int]]:
        """From `<grounding>` to `</phrase>`."""
        return [self.tokenizer.encode_words(prompts.phrase_grounding(phrase)) for phrase in phrases]
