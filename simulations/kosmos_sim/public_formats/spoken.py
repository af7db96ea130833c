"""What is said of one rendered picture, before it is written in anybody's format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from kosmos_agent.training.examples import Piece
from kosmos_sim.captions import caption
from kosmos_sim.expressions import Expression
from kosmos_sim.expressions.geometry import measure
from kosmos_sim.expressions.text import with_article
from kosmos_sim.lexicon import Lexicon
from kosmos_sim.questions import SORTS
from kosmos_sim.records import SceneRecord
from kosmos_sim.seeds import Purpose, generator
from kosmos_sim.splits import Split, scene_phrases

BoxPx = tuple[float, float, float, float]

CAPTIONS = 5
_REGION_PHRASES = 32
"""Expressions drawn of a picture so that most of its things are named several times."""


@dataclass(frozen=True)
class Region:
    """A thing, and all that may be said of it alone."""

    box_px: BoxPx
    category: str
    expressions: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """sort: how many, what colour, ..."""

    text: str
    sort: str
    answer: str


@dataclass(frozen=True)
class CaptionPart:
    """Words of a caption in order; boxes_px: what they name, or nothing."""

    words: str
    boxes_px: tuple[BoxPx, ...]
    category: str


@dataclass(frozen=True)
class SpokenPicture:
    """id: from 1, in the order of the split. expressions: with the boxes that each names (none of the absent ones).

    captions: one or more that differ, the same things in other words. caption: the first of them, with its boxes.
    """

    id: int
    record: SceneRecord
    expressions: tuple[tuple[Expression, tuple[BoxPx, ...]], ...]
    regions: tuple[Region, ...]
    caption: tuple[CaptionPart, ...]
    captions: tuple[str, ...]
    questions: tuple[Question, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.record.rgb.shape[1], self.record.rgb.shape[0]


def spoken(split: Split, records: Iterable[SceneRecord]) -> Iterator[SpokenPicture]:
    """Everything depends on the scene and the split's seed alone."""
    for number, record in enumerate(records, start=1):
        scene = measure(record.objects, record.T_table_camera)
        rng = Random(int(generator(Purpose.LABEL, split.seed, record.seed, record.index).integers(2**63)))
        boxes = {thing.instance: _pixels(record, thing.box) for thing in record.objects}
        expressions = scene_phrases(record, split.seed, split.phrases)
        tasks = [task for task in (caption(scene, rng) for _ in range(CAPTIONS)) if task is not None]
        asked = {sort: draw(scene, rng, Lexicon()) for sort, draw in SORTS.items()}
        yield SpokenPicture(
            id=number,
            record=record,
            expressions=tuple((item, tuple(boxes[i] for i in item.referents)) for item in expressions),
            regions=tuple(_regions(record, scene_phrases(record, split.seed, _REGION_PHRASES))),
            caption=tuple(_parts(record, tasks[0].pieces)) if tasks else (),
            captions=tuple(dict.fromkeys("".join(p.text for p in task.pieces).strip() for task in tasks)),
            questions=tuple(Question(found[0], sort, found[1]) for sort, found in asked.items() if found is not None),
        )


def _regions(record: SceneRecord, expressions: Sequence[Expression]) -> Iterator[Region]:
    """Things that an expression names alone; what they are comes first."""
    said: defaultdict[int, list[str]] = defaultdict(list)
    for expression in expressions:
        if len(expression.referents) == 1:
            said[expression.referents[0]].append(expression.text)
    for thing in record.objects:
        if said[thing.instance]:
            plain = with_article(f"{thing.colour} {thing.category}")
            texts = tuple(dict.fromkeys([plain, *said[thing.instance]]))
            yield Region(_pixels(record, thing.box), thing.category, texts)


def _parts(record: SceneRecord, pieces: Sequence[Piece]) -> Iterator[CaptionPart]:
    things = {thing.instance: thing for thing in record.objects}
    for piece in pieces:
        named = [things[instance] for instance in piece.instances]
        boxes = tuple(_pixels(record, thing.box) for thing in named)
        yield CaptionPart(piece.text, boxes, named[0].category if named else "")


def _pixels(record: SceneRecord, box: tuple[float, float, float, float]) -> BoxPx:
    height, width = record.rgb.shape[:2]
    return (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
