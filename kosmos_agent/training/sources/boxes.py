"""A user's own labelled pictures: for each name on a picture its boxes, and names that are not there.

Answers about a picture stand behind it in one sample, so that one pass of the vision tower pays for all; a picture with
more than a row holds gives several samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from kosmos_agent.errors import InvalidLabelsError
from kosmos_agent.images import load_image
from kosmos_agent.training.examples import Piece, Task
from kosmos_agent.training.labels.labelled import BoxedPicture
from kosmos_agent.training.rows.sample import Sample, answers_about
from kosmos_agent.training.sequences import encode_task, prefix_ids
from kosmos_agent.training.sources.box_lists import BoxList, box_lists, shared
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.source import dice, shuffled

ABSENT = 2
"""Names asked about beside those that are there, unless the recipe says another count."""
_LENGTHS = 1 << 16
_Answer = tuple[Sequence[int], Sequence[bool]]
"""Ids, and which are learnt."""


class BoxedPictures:
    """absent: names that are not on the picture, asked about beside those that are; their answer is `</s>`. None for
    `ABSENT`.

    Pictures of crowds of all names leave nothing to learn: they are told of, in one line, and left out.
    InvalidLabelsError where no picture has a box; InvalidConfigError where a row is too short for one.
    """

    def __init__(
        self,
        pictures: Sequence[BoxedPicture],
        context: Context,
        title: str = "boxes",
        *,
        absent: int | None = None,
    ) -> None:
        self._context, self._absent = context, ABSENT if absent is None else absent
        self._names = sorted({name for picture in pictures for name in picture.names})
        if not self._names:
            raise InvalidLabelsError(f"no box on any of {len(pictures)} pictures; valid: at least one to learn from")
        self._tokens = lru_cache(_LENGTHS)(self._tokens_of)
        self._room = context.row_tokens - len(prefix_ids(context.tokenizer, context.slots))
        crowds = sum(not picture.boxes and not self._others(picture) for picture in pictures)
        if crowds:
            note = f"{crowds} pictures passed over: crowds of all names and no boxes, so that there is nothing to learn"
            context.on_reject(title, None, InvalidLabelsError(note))
        self._parts = [
            (picture, part) for picture in pictures for part in self._divided(picture, self._room_of_present())
        ]

    def __len__(self) -> int:
        return len(self._parts)

    def sample(self, number: int) -> Sample:
        context = self._context
        picture, part = self._parts[shuffled(number, len(self), context.seed)]
        image = load_image(picture.path).convert("RGB")
        fitting = context.fitting(image)
        answers = self._answers(picture, part, dice(context.seed, "boxes", number))
        return answers_about(np.asarray(fitting.picture(image)), answers, context.tokenizer, context.slots)

    def _room_of_present(self) -> int:
        """Tokens for names that are there: all but a place for the absent ones, and that at most a third."""
        longest = max((self._cost(BoxList(name, ())) for name in self._names), default=0)
        return self._room - min(self._absent * longest, self._room // 3)

    def _divided(self, picture: BoxedPicture, room: int) -> list[tuple[BoxList, ...]]:
        lists = box_lists(picture, self._cost, self._room)
        return shared(lists, self._cost, room) or ([()] if self._absent and self._others(picture) else [])

    def _others(self, picture: BoxedPicture) -> list[str]:
        """Names that are surely not on it."""
        return [name for name in self._names if name not in (*picture.names, *picture.crowds)]

    def _answers(self, picture: BoxedPicture, part: Sequence[BoxList], random: np.random.Generator) -> list[_Answer]:
        answers = [self._answer(item, random) for item in part]
        left = self._room - sum(len(ids) - 1 for ids, _ in answers)
        others = self._others(picture)
        for place in random.permutation(len(others))[: self._absent]:
            absent = BoxList(others[place], ())
            left -= self._cost(absent)
            if left >= 0:
                answers.append(self._answer(absent, random))
        return answers

    def _answer(self, item: BoxList, random: np.random.Generator) -> _Answer:
        """Half of the time with an article: people ask both ways."""
        segment = encode_task(_task(item, article=random.random() < 0.5), self._context.tokenizer)
        closes = 2 * (not item.whole)  # </object></s>
        learnt = segment.is_target[: len(segment.ids) - closes] + [False] * closes
        return segment.ids, learnt

    def _cost(self, item: BoxList) -> int:
        """With the article, the longer way of asking; the last token is only a target."""
        return self._tokens(item.name, len(item.boxes))

    def _tokens_of(self, name: str, boxes: int) -> int:
        task = _task(BoxList(name, ((0.0, 0.0, 1.0, 1.0),) * boxes), article=True)
        return len(encode_task(task, self._context.tokenizer).ids) - 1


def _task(item: BoxList, *, article: bool) -> Task:
    return Task("label", (Piece(f"{' the' if article else ''} {item.name}", item.boxes, given="text"),))
