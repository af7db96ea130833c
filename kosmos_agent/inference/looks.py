"""A picture that was read, and the ways to look at it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kosmos_agent import prompts
from kosmos_agent.inference.corners import CornerScores, score_corners
from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.inference.windows import Window
from kosmos_agent.inference.zoom import Zoom
from kosmos_agent.model.engine import Engine
from kosmos_agent.phrases import swap_left_right
from kosmos_agent.tokenizer import Tokenizer

Known = Mapping[tuple[bool, str], CornerScores]
"""Of a phrase, and whether in the mirror image, what was read already."""
Part = tuple[Window, bool]
"""What lies in a window, and whether its mirror image is looked at."""


@dataclass(frozen=True)
class Looks:
    """size: width, height in pixels. mirrored: its mirror image. parts: some parts of it, read in one pass.

    both_ways: whether the mirror image has a say in every answer. zoom: whether small things get a second look, and
    at what distance; None for never. known: scores that were read together with those of other pictures.
    """

    model: Engine
    tokenizer: Tokenizer
    frame: EncodedFrame
    size: tuple[int, int]
    mirrored: Callable[[], EncodedFrame]
    parts: Callable[[Sequence[Part]], EncodedFrame]
    both_ways: bool = False
    zoom: Zoom | None = None
    known: Known = field(default_factory=dict)

    @property
    def ways(self) -> tuple[bool, ...]:
        """Whether mirrored, of each way to look."""
        return (False, True) if self.both_ways else (False,)

    def scores(
        self, phrases: Sequence[str], *, mirrored: bool = False, likelihood: bool = False
    ) -> list[list[CornerScores]]:
        """Of each phrase in the picture; mirrored: in its mirror image too, in the same pass."""
        ways = [(False, list(phrases))]
        if mirrored:
            ways.append((True, [swap_left_right(phrase) for phrase in phrases]))
        known = [[self.known.get((way, phrase)) for phrase in asked] for way, asked in ways]
        if not likelihood and all(item is not None for row in known for item in row):
            return [[item for item in row if item is not None] for row in known]
        frames = [self.mirrored() if way else self.frame for way, _ in ways]
        texts = [self.ids(asked) for _, asked in ways]
        return score_corners(self.model, self.tokenizer, frames, texts, phrase_likelihood=likelihood)

    def ids(self, phrases: Sequence[str]) -> list[Sequence[int]]:
        """From `<grounding>` to `</phrase>`; of phrases that were checked before they were put in other words."""
        return [self.tokenizer.encode_words(prompts.reworded_phrase_grounding(phrase)) for phrase in phrases]
