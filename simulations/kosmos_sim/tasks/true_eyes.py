"""Eyes that know the truth of a task: what the agent and the arm reach when nothing is mistaken for another thing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.clarify import clarifying_question
from kosmos_agent.results import Box, Candidate, Frame, Grounding, Status
from kosmos_sim.labels import tight_box
from kosmos_sim.sight import MIN_PIXELS
from kosmos_sim.tasks.task import Task
from kosmos_sim.world import Tabletop

_SURE = 0.99


class TrueEyes:
    """Stands in for a `Grounder` in the front camera: the true boxes of what a task's own phrases mean, and "not
    found" for all others."""

    name = "truth"

    def __init__(self, world: Tabletop, task: Task) -> None:
        self.world, self.meanings = world, meanings(task)

    def view(
        self, rgb: NDArray[np.uint8], *, stamp_ns: int | None = None, frame_id: str = "camera_optical_frame"
    ) -> TrueView:
        height, width = rgb.shape[:2]
        return TrueView(self, Frame(width=width, height=height, stamp_ns=stamp_ns, frame_id=frame_id))


class TrueView:
    """One moment: what is asked of it is answered as the table stands when it is asked."""

    def __init__(self, eyes: TrueEyes, frame: Frame) -> None:
        self._eyes, self.frame = eyes, frame

    def find(self, phrase: str) -> Grounding:
        boxes = self._boxes(self._eyes.meanings.get(phrase, ()))
        status: Status = "not_found" if not boxes else "found" if len(boxes) == 1 else "ambiguous"
        return Grounding(
            phrase=phrase,
            status=status,
            candidates=tuple(Candidate(box=box, probability=_SURE / len(boxes)) for box in boxes),
            presence=_SURE if boxes else 1 - _SURE,
            question=clarifying_question(phrase, boxes) if status == "ambiguous" else None,
            frame=self.frame,
            model=self._eyes.name,
            timings_ms={},
        )

    def _boxes(self, names: tuple[str, ...]) -> list[Box]:
        width, height = self.frame.width, self.frame.height
        owners = self._eyes.world.owners("front", width, height)
        masks = [owners == name for name in names]
        return [
            Box.from_pixels(tight_box(mask), width, height) for mask in masks if np.count_nonzero(mask) >= MIN_PIXELS
        ]


def meanings(task: Task) -> dict[str, tuple[str, ...]]:
    """The task's phrases, and the things that each of them fits."""
    fitting = task.candidates or ((task.wanted,) if task.wanted is not None else ())
    known = {task.phrase: fitting}
    if task.anchor is not None and task.anchor_phrase is not None:
        known[task.anchor_phrase] = (task.anchor,)
    return known
