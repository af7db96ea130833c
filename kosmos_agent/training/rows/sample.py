"""One training sequence: ids, what is learnt of them, and the pictures that stand in its slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.model.decoder import FIRST_POSITION
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.sequences import prefix_ids

NO_TARGET = -1
Ids = NDArray[np.int64]
Picture = NDArray[np.uint8]
"""(S, S, 3) RGB, already of the model's size."""


@dataclass(frozen=True)
class Sample:
    """T tokens. targets: the id to be foretold at each token, `NO_TARGET` where nothing is learnt.

    segments: 0 for what every token of the sample sees, k for the k-th of several answers that do not see each other.
    positions: as at run time, from 2. slots: True at image slots, those of `pictures` one after another.
    """

    ids: Ids
    targets: Ids
    segments: Ids
    positions: Ids
    slots: NDArray[np.bool_]
    pictures: tuple[Picture, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass
class SampleWriter:
    """Writes one sample from left to right.

    By the published mask nothing is learnt AT `<s>`, `<image>` and the slots, everything from `</image>` on; `add` with
    `learn` False takes more away: a question, a given phrase.
    """

    tokenizer: Tokenizer
    slots_per_picture: int
    _ids: list[int] = field(default_factory=list)
    _learnt: list[bool] = field(default_factory=list)
    _speaks: list[bool] = field(default_factory=list)
    _slots: list[bool] = field(default_factory=list)
    _pictures: list[Picture] = field(default_factory=list)

    def begin(self, *, speaks: bool = False) -> SampleWriter:
        """`<s>`; speaks: whether the first word is learnt from it, as in documents without pictures."""
        self._append([self.tokenizer.bos_id], learn=False, speaks=speaks)
        return self

    def picture(self, rgb: Picture, *, learn_tag: bool = False) -> SampleWriter:
        """`<image>`, slots, `</image>`. learn_tag: whether the words before learn that a picture comes."""
        _, tag, *slots, end = prefix_ids(self.tokenizer, self.slots_per_picture)
        self._append([tag], learn=learn_tag, speaks=False)
        self._append(slots, learn=False, speaks=False)
        self._slots[-len(slots) :] = [True] * len(slots)
        self._append([end], learn=False, speaks=True)
        self._pictures.append(rgb)
        return self

    def add(self, ids: Iterable[int], *, learn: bool = True) -> SampleWriter:
        self._append(ids, learn=learn, speaks=True)
        return self

    def __len__(self) -> int:
        return len(self._ids)

    def finish(self) -> Sample:
        """The last token is only a target, as published (sources are tokens[:-1])."""
        ids = np.array(self._ids, np.int64)
        learnt = np.array(self._learnt[1:]) & np.array(self._speaks[:-1])
        count = len(ids) - 1
        return Sample(
            ids=ids[:-1],
            targets=np.where(learnt, ids[1:], NO_TARGET),
            segments=np.zeros(count, np.int64),
            positions=np.arange(FIRST_POSITION, FIRST_POSITION + count),
            slots=np.array(self._slots[:-1], np.bool_),
            pictures=tuple(self._pictures),
        )

    def _append(self, ids: Iterable[int], *, learn: bool, speaks: bool) -> None:
        new = list(ids)
        self._ids += new
        self._learnt += [learn] * len(new)
        self._speaks += [speaks] * len(new)
        self._slots += [False] * len(new)


def answers_about(
    picture: Picture, answers: Sequence[tuple[Sequence[int], Sequence[bool]]], tokenizer: Tokenizer, slots: int
) -> Sample:
    """One picture with several answers behind it, which see it but not each other: one pass pays for all of them.

    answers: ids, and whether each id is learnt. Each goes on from the picture as if it stood there alone.
    """
    prefix = SampleWriter(tokenizer, slots).begin().picture(picture).add([tokenizer.eos_id], learn=False).finish()
    parts: dict[str, list[Ids]] = {
        name: [getattr(prefix, name)] for name in ("ids", "targets", "segments", "positions")
    }
    for number, (ids, learnt) in enumerate(answers, start=1):
        count = len(ids) - 1
        parts["ids"].append(np.array(ids[:-1], np.int64))
        parts["targets"].append(np.where(learnt[1:], ids[1:], NO_TARGET))
        parts["segments"].append(np.full(count, number, np.int64))
        parts["positions"].append(FIRST_POSITION + len(prefix) + np.arange(count))
    arrays = {name: np.concatenate(values) for name, values in parts.items()}
    slot_mask = np.pad(prefix.slots, (0, len(arrays["ids"]) - len(prefix)))
    return Sample(**arrays, slots=slot_mask, pictures=(picture,))
