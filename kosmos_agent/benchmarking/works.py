"""What both sides are asked to do, in the same words, on the same picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from kosmos_agent.benchmarking.rounds import Call

Work = Literal["new_1", "ready_1", "new_8", "caption"]

WORKS: Mapping[str, str] = {
    "new_1": "one phrase on a new frame",
    "ready_1": "one phrase on a ready frame",
    "new_8": "eight phrases on one new frame",
    "caption": "a grounded caption of up to 64 tokens",
}
PHRASES = (
    "the red cup",
    "the blue box",
    "the green plate",
    "the yellow ball",
    "the blue cup",
    "the green box",
    "the red plate",
    "the blue ball",
)
"""Without words about place: those would have us look for a second thing, which the other side does not do."""
CAPTION_TOKENS = 64


class Contender(Protocol):
    """One side with one number type: a name and a call for each work that it can do.

    The call of a caption gives what was written, or the list of its ids, where it writes one like the other side's.
    """

    @property
    def name(self) -> str: ...

    def settle(self) -> None:
        """Returns when nothing that opening the model began goes on behind our back."""
        ...

    def calls(self, picture: Image.Image) -> dict[Work, Call]: ...


def noise_picture() -> Image.Image:
    """640 x 480 of noise: what a frame costs does not depend on what it shows."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8))
