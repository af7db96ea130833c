"""Step 3 of the recipe: who finds the boxes of a caption's phrases. Any detector that takes words will do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from kosmos_agent.results import Box


@dataclass(frozen=True)
class Detection:
    """phrase: index among those asked for. score: 0 to 1, the detector's own confidence."""

    phrase: int
    box: Box
    score: float


class Detector(Protocol):
    """The same picture and phrases give the same answer, whatever was asked before: engines must agree."""

    def detect(self, image: Image.Image, phrases: Sequence[str]) -> list[Detection]:
        """image: RGB. Any number of boxes for each phrase, none included."""
        ...
