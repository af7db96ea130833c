"""A user's own labelled pictures: for each name on a picture its boxes, and a name that is not there.

All answers about a picture stand behind it in one sample, so that one pass of the vision tower pays for all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kosmos_agent.images import load_image
from kosmos_agent.training.examples import Piece, Task
from kosmos_agent.training.labels.labelled import BoxedPicture
from kosmos_agent.training.rows.sample import Sample, answers_about
from kosmos_agent.training.sequences import encode_task
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.source import dice, shuffled


class BoxedPictures:
    """absent: names that are not on the picture, asked about beside those that are; their answer is `</s>`."""

    def __init__(self, pictures: Sequence[BoxedPicture], context: Context, *, absent: int = 1) -> None:
        self._pictures, self._context, self._absent = pictures, context, absent
        self._names = sorted({name for picture in pictures for name in picture.names})

    def __len__(self) -> int:
        return len(self._pictures)

    def sample(self, number: int) -> Sample:
        context = self._context
        picture = self._pictures[shuffled(number, len(self), context.seed)]
        image = load_image(picture.path).convert("RGB")
        fitting = context.fitting(image)
        tasks = self._tasks(picture, dice(context.seed, "boxes", number))
        encoded = [encode_task(task, context.tokenizer) for task in tasks]
        answers = [(segment.ids, segment.is_target) for segment in encoded]
        return answers_about(np.asarray(fitting.picture(image)), answers, context.tokenizer, context.slots)

    def _tasks(self, picture: BoxedPicture, random: np.random.Generator) -> list[Task]:
        present = picture.names
        others = [name for name in self._names if name not in present]
        chosen = random.permutation(len(others))[: self._absent]
        tasks = [_task(name, picture.boxes_of(name), random) for name in present]
        return tasks + [_task(others[place], (), random) for place in chosen]


def _task(name: str, boxes: Sequence[tuple[float, float, float, float]], random: np.random.Generator) -> Task:
    """Half of the time with an article: people ask both ways."""
    article = " the" if random.random() < 0.5 else ""
    return Task("label", (Piece(f"{article} {name}", tuple(boxes), given="text"),))
