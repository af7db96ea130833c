"""One benchmark from beginning to end: pictures in the order of the file, each asked once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np

from kosmos_agent.errors import ChangedRunError
from kosmos_agent.evaluation.asking.asker import Asker
from kosmos_agent.evaluation.batch.journal import Journal
from kosmos_agent.evaluation.benchmarks.samples import Sample
from kosmos_agent.grounder import Grounder
from kosmos_agent.images import load_image


class Identified(Protocol):
    """A record of one sample."""

    @property
    def id(self) -> str: ...


S = TypeVar("S", bound=Sample)
R = TypeVar("R", bound=Identified)


@dataclass(frozen=True)
class PictureOfSamples(Generic[S]):
    """A picture with all that is asked of it."""

    path: Path
    samples: tuple[S, ...]


Answering = Callable[[Sequence[PictureOfSamples[S]]], Iterator[list[R]]]
"""Gives the records of each picture, in order: in this process (`in_process`) or on Ray (`on_ray.RayWorkers`)."""


def by_picture(samples: Iterable[S], path: Callable[[str], Path]) -> list[PictureOfSamples[S]]:
    """Samples of one picture together, pictures in the order in which they first come; each is encoded once."""
    grouped: dict[str, list[S]] = {}
    for sample in samples:
        grouped.setdefault(sample.image, []).append(sample)
    return [PictureOfSamples(path(name), tuple(some)) for name, some in grouped.items()]


def answer_picture(grounder: Grounder, asker: Asker[S, R], picture: PictureOfSamples[S]) -> list[R]:
    """InvalidImageError where the file is no usable picture: nothing is skipped in silence."""
    return asker(grounder, np.asarray(load_image(picture.path)), picture.samples)


def in_process(grounder: Grounder, asker: Asker[S, R]) -> Answering[S, R]:
    return lambda pictures: (answer_picture(grounder, asker, picture) for picture in pictures)


def run(
    pictures: Sequence[PictureOfSamples[S]],
    answering: Answering[S, R],
    journal: Journal[R],
    done: Callable[[int], object] = lambda _: None,
) -> list[R]:
    """All records, those that the journal held included. done: told how many pictures have just been finished."""
    finished = _finished(pictures, journal)
    done(finished)
    for records in answering(pictures[finished:]):
        journal.add(records)
        done(1)
    return journal.records


def _finished(pictures: Sequence[PictureOfSamples[S]], journal: Journal[R]) -> int:
    """How many pictures the journal holds wholly; a picture that was cut short is dropped from it.

    ChangedRunError when its records are not those of these pictures in this order.
    """
    held = iter(record.id for record in journal.records)
    finished = kept = 0
    for picture in pictures:
        wanted = [sample.id for sample in picture.samples]
        got = list(islice(held, len(wanted)))
        if got != wanted[: len(got)]:
            raise ChangedRunError(f"{journal.path}: record {kept + 1} is of {got[0]!r}, not {wanted[0]!r}")
        if len(got) < len(wanted):
            break
        finished, kept = finished + 1, kept + len(got)
    if next(held, None) is not None and finished == len(pictures):
        raise ChangedRunError(
            f"{journal.path} holds more records than the {kept} asked for; valid: a larger --pictures"
        )
    journal.keep(kept)
    return finished
