"""What benchmarks ask, whatever file it was read from (pure).

Boxes are x1, y1, x2, y2 in pixels of the original picture, exactly as annotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from kosmos_agent.evaluation.labelled import PictureLabels

BoxPx = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sample:
    """id: unique in its benchmark. image: name inside the folder of pictures."""

    id: str
    image: str


@dataclass(frozen=True)
class GroundingSample(Sample):
    """A phrase to find. before: the words of its caption in front of it, or none.

    boxes_px: every box that is right, at least one (any-box protocol). kinds: groups that it is counted in.
    """

    width: int
    height: int
    phrase: str
    boxes_px: tuple[BoxPx, ...]
    before: str = ""
    kinds: tuple[str, ...] = ()


def told_by_words(samples: Sequence[GroundingSample]) -> list[GroundingSample]:
    """The phrases of one sentence, those with the same words all right with the boxes, and of the kinds, of the first.

    So the authors of Kosmos-2 score Flickr30k Entities: predictions carry words, and no number of a phrase.
    """
    first: dict[str, GroundingSample] = {}
    for sample in samples:
        first.setdefault(sample.phrase, sample)
    return [
        replace(sample, boxes_px=first[sample.phrase].boxes_px, kinds=first[sample.phrase].kinds) for sample in samples
    ]


@dataclass(frozen=True)
class RegionSample(Sample):
    """A box to describe, and what people said of it."""

    width: int
    height: int
    box_px: BoxPx
    references: tuple[str, ...]


@dataclass(frozen=True)
class CaptionSample(Sample):
    """A picture to describe, and what people said of it."""

    references: tuple[str, ...]


@dataclass(frozen=True)
class QuestionSample(Sample):
    """answers: those of ten people; none where only a server knows them. kinds: question type and answer type."""

    question: str
    answers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelledSample(Sample):
    """All labels of a picture of our own format; it is asked as a whole."""

    labels: PictureLabels


S = TypeVar("S", bound=Sample)


@dataclass(frozen=True)
class Benchmark(Generic[S]):
    """Samples in the order of the files. name, split: which published figures stand beside ours.

    digest: of the annotation files, so that a later run can tell whether they are the same. left_out: entries of the
    files that the protocol does not ask, with the reason.
    """

    name: str
    split: str
    samples: Sequence[S]
    digest: str
    left_out: tuple[str, ...] = ()
