"""The answers that were wrong and most sure of it, kept with their pictures, and a sheet of them to look at."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kosmos_agent.drawing.boxes import Mark, draw_marks
from kosmos_agent.drawing.sheets import contact_sheet
from kosmos_agent.drawing.style import PAPER, STATUS_COLOURS, canvas_from, finished
from kosmos_agent.evaluation.labelled import LabelledPhrase
from kosmos_agent.evaluation.matching import HIT_IOU
from kosmos_agent.results import Grounding

LIMIT = 24


@dataclass(frozen=True)
class Mistake:
    """certainty: the probability that was given to what is wrong."""

    rgb: NDArray[np.uint8]
    phrase: LabelledPhrase
    answer: Grounding
    certainty: float

    @property
    def caption(self) -> str:
        return f"{100 * self.certainty:.0f} %  {self.phrase.text}"


def certainty_of_mistake(phrase: LabelledPhrase, answer: Grounding) -> float | None:
    """How sure a wrong answer about one thing was; None for one that is right or rightly unsure, and for plurals.

    Wrong are: a thing that is there not found; one that is not there found; a best box that misses.
    """
    if len(phrase.boxes) > 1:
        return None
    if phrase.boxes and answer.status == "not_found":
        return 1.0 - answer.presence
    if not answer.candidates or (not phrase.boxes and answer.status != "found"):
        return None
    missed = all(answer.best.box.iou(box) < HIT_IOU for box in phrase.boxes)
    return answer.best.probability if missed else None


class WorstMistakes:
    """The `limit` surest ones; pictures of all others are let go."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._heap: list[tuple[float, int, Mistake]] = []
        self._seen = 0

    def add(self, rgb: NDArray[np.uint8], phrase: LabelledPhrase, answer: Grounding) -> None:
        certainty = certainty_of_mistake(phrase, answer)
        if certainty is None:
            return
        self._seen += 1
        heapq.heappush(self._heap, (certainty, -self._seen, Mistake(rgb, phrase, answer, certainty)))
        if len(self._heap) > self.limit:
            heapq.heappop(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Mistake]:
        """The surest first."""
        return (mistake for _, _, mistake in sorted(self._heap, key=lambda item: item[:2], reverse=True))


def mistakes_sheet(mistakes: WorstMistakes, *, columns: int = 4) -> Image.Image:
    """What is true in white, what was answered in the colour of its status. At least one mistake."""
    return contact_sheet([(mistake.caption, _drawn(mistake)) for mistake in mistakes], columns=columns)


def _drawn(mistake: Mistake) -> Image.Image:
    canvas = canvas_from(Image.fromarray(mistake.rgb))
    marks = [Mark(box, PAPER, weight=0.5) for box in mistake.phrase.boxes]
    if mistake.answer.candidates:
        marks.append(Mark(mistake.answer.best.box, STATUS_COLOURS[mistake.answer.status]))
    draw_marks(canvas, marks)
    return finished(canvas)
