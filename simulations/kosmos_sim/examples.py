"""From labelled pictures to training and evaluation examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from random import Random
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.training.examples import Example, ExampleObject, Piece, Task
from kosmos_sim.captions import caption, describe
from kosmos_sim.crops import crop, mirror, sample_window
from kosmos_sim.either import either
from kosmos_sim.expressions import KINDS, Expression
from kosmos_sim.expressions.geometry import Geometry, measure
from kosmos_sim.expressions.grammar import draw_expressions
from kosmos_sim.lexicon import Lexicon
from kosmos_sim.photometric import jitter
from kosmos_sim.questions import question
from kosmos_sim.records import SceneRecord
from kosmos_sim.resurface import resurface
from kosmos_sim.seeds import Purpose, generator
from kosmos_sim.splits import scene_phrases, split_of

MAP_SIDE = 112
DEFAULT_MIXTURE: Mapping[str, float] = {
    "attribute": 8, "category": 5, "colour": 3, "relation": 22, "superlative": 12, "ordinal": 12, "size": 11,
    "plural": 8, "absent": 9, "either": 5, "describe": 12, "question": 10, "caption": 3,
}  # fmt: skip
"""Shares of the tasks. What takes longest to learn (places and orders among several things) comes most often."""
_OTHER_TASKS = ("caption", "question", "describe", "either")
_WINDOWS = 3
"""Windows tried before the whole picture is taken."""
_RESURFACED = 0.5
"""Share of the pictures whose things get other surfaces."""


class Records(Protocol):
    """Anything that can be counted and indexed: a list, or the scene cache on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> SceneRecord: ...


def training_examples(
    records: Records,
    seed: int,
    *,
    phrases: int = 8,
    size: int = 224,
    mixture: Mapping[str, float] = DEFAULT_MIXTURE,
    augment: bool = True,
) -> Iterator[Example]:
    """Endless: every picture once in each shuffled round, with new tasks and a new view of it each time.

    mixture: shares per kind of task. Raises InvalidArgumentError for no records, an unknown kind, or a
    record of the test or validation split.
    """
    unknown = mixture.keys() - {*KINDS, *_OTHER_TASKS}
    if unknown:
        raise InvalidArgumentError(f"unknown kinds {sorted(unknown)}; valid: {', '.join((*KINDS, *_OTHER_TASKS))}")
    if not len(records):
        raise InvalidArgumentError("no records: at least one is needed")
    for epoch in count():
        made = 0
        for place in generator(Purpose.ORDER, seed, epoch).permutation(len(records)).tolist():
            rng = generator(Purpose.EXAMPLE, seed, epoch, place)
            example = make_example(_trainable(records[place]), rng, phrases, size, mixture, augment=augment)
            if example is not None:
                made += 1
                yield example
        if not made:
            raise InvalidArgumentError("no record admits a task: every picture is empty or nearly so")


def _trainable(record: SceneRecord) -> SceneRecord:
    if split_of(record) != "train":
        raise InvalidArgumentError(
            f"scene seed {record.seed} belongs to the {split_of(record)} split; train on `splits.train_seed(0)` and up"
        )
    return record


def make_example(
    record: SceneRecord,
    rng: np.random.Generator,
    phrases: int,
    size: int,
    mixture: Mapping[str, float],
    *,
    augment: bool,
) -> Example | None:
    """None where nothing can be said of the picture."""
    view = renumbered(_varied(record, rng) if augment else record)
    tasks = draw_tasks(view, Random(int(rng.integers(2**63))), phrases, mixture)
    if not tasks:
        return None
    rgb = resized(view.rgb, size)
    return _example(view, _altered(rgb, view, rng) if augment else rgb, tasks)


def evaluation_examples(records: Records, seed: int, *, phrases: int = 8, size: int = 224) -> Iterator[Example]:
    """One per picture, uncut and unaltered, with referring tasks of every kind; the same on every call."""
    for place in range(len(records)):
        view = renumbered(records[place])
        boxes = {thing.instance: thing.box for thing in view.objects}
        tasks = [referring_task(found, boxes) for found in scene_phrases(view, seed, phrases)]
        yield _example(view, resized(view.rgb, size), tasks)


def _example(view: SceneRecord, rgb: NDArray[np.uint8], tasks: list[Task]) -> Example:
    objects = tuple(ExampleObject(thing.category, thing.colour, thing.box) for thing in view.objects)
    return Example(rgb, _map(view.instances), objects, tuple(tasks))


def _altered(rgb: NDArray[np.uint8], view: SceneRecord, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Other light and lens always, other surfaces in a part of the draws."""
    return jitter(resurface(rgb, view.instances, rng) if rng.random() < _RESURFACED else rgb, rng)


def _varied(record: SceneRecord, rng: np.random.Generator) -> SceneRecord:
    """A part of the picture in which something still shows well, mirrored half of the time."""
    view = record
    for _ in range(_WINDOWS):
        cut = crop(record, sample_window(record, rng))
        if len(cut.objects) > 1:
            view = cut
            break
    return mirror(view) if rng.random() < 0.5 else view


def renumbered(record: SceneRecord) -> SceneRecord:
    """Instance ids 1, 2, ... in the order of `objects`; ids of the map that belong to no object become 0."""
    table = np.zeros(256, np.uint8)
    for number, thing in enumerate(record.objects, 1):
        table[thing.instance] = number
    objects = tuple(
        replace(thing, instance=number, on=int(table[thing.on]) if thing.on else 0)
        for number, thing in enumerate(record.objects, 1)
    )
    return replace(record, instances=table[record.instances], objects=objects)


def resized(rgb: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(size, size, 3): area averaging down, linear up; the shape is not kept, as in the published preprocessing."""
    if rgb.shape[:2] == (size, size):
        return np.ascontiguousarray(rgb)
    method = cv2.INTER_AREA if min(rgb.shape[:2]) > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(rgb), (size, size), interpolation=method), np.uint8)


def _map(instances: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if instances.shape == (MAP_SIDE, MAP_SIDE):
        return np.ascontiguousarray(instances)
    rows, columns = instances.shape
    down = ((np.arange(MAP_SIDE) + 0.5) * rows / MAP_SIDE).astype(np.intp)
    across = ((np.arange(MAP_SIDE) + 0.5) * columns / MAP_SIDE).astype(np.intp)
    return instances[down[:, None], across[None]]


def draw_tasks(view: SceneRecord, rng: Random, wanted: int, mixture: Mapping[str, float]) -> list[Task]:
    """At most `wanted`; other tasks that the picture does not admit are made up for by referring ones.

    Referring ones come last: where a row is full, they are what is left out.
    """
    scene = measure(view.objects, view.T_table_camera)
    lexicon = Lexicon()
    kinds = Counter(rng.choices(list(mixture), list(mixture.values()), k=wanted))
    others = [_other_task(kind, scene, rng, lexicon) for kind in _OTHER_TASKS for _ in range(kinds[kind])]
    tasks = [task for task in others if task is not None]
    weights = {kind: share for kind, share in mixture.items() if kind in KINDS}
    boxes = {thing.instance: thing.box for thing in view.objects}
    found = draw_expressions(scene, rng, wanted - len(tasks), weights, lexicon)
    tasks.extend(referring_task(expression, boxes) for expression in found)
    return tasks


def _other_task(kind: str, scene: Geometry, rng: Random, lexicon: Lexicon) -> Task | None:
    if kind == "question":
        return question(scene, rng, lexicon)
    return {"caption": caption, "describe": describe, "either": either}[kind](scene, rng)


def referring_task(expression: Expression, boxes: Mapping[int, tuple[float, float, float, float]]) -> Task:
    """The words are given; the boxes, none of them for an absent thing, are to be said."""
    piece = Piece(
        f" {expression.text}",
        boxes=tuple(boxes[instance] for instance in expression.referents),
        instances=expression.referents,
        given="text",
    )
    return Task(expression.kind, (piece,))
