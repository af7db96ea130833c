"""From a rendered scene to a labelled picture: the phrases of its split, and what else may be asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from kosmos_agent.evaluation.labelled import (
    LabelledPhrase,
    LabelledPicture,
    LabelledQuestion,
    LabelledRegion,
    LabelledThing,
    PictureLabels,
)
from kosmos_agent.results import Box
from kosmos_sim.captions import prominent
from kosmos_sim.either import heads_of_several
from kosmos_sim.expressions import Expression
from kosmos_sim.expressions.geometry import Geometry, measure
from kosmos_sim.expressions.text import head_words, varied
from kosmos_sim.lexicon import Lexicon
from kosmos_sim.questions import SORTS
from kosmos_sim.records import SceneObject, SceneRecord
from kosmos_sim.seeds import Purpose, generator
from kosmos_sim.splits import Split, scene_phrases, split_phrases

REGIONS = 4
"""Things to describe in a picture, at most."""
AMBIGUOUS = 2
"""Phrases for one thing that several fit, at most."""


def labelled_split(split: Split, records: Iterable[SceneRecord]) -> Iterator[LabelledPicture]:
    """Every scene of the split with its fixed expressions. Raises InvalidArgumentError for a scene of another."""
    for record, expressions in split_phrases(split, records):
        yield _labelled(record, expressions, split.seed)


def labelled_scene(record: SceneRecord, seed: int, phrases: int = 8) -> LabelledPicture:
    """At most so many phrases; they and all else depend on the scene and the seed alone."""
    return _labelled(record, scene_phrases(record, seed, phrases), seed)


def _labelled(record: SceneRecord, expressions: Sequence[Expression], seed: int) -> LabelledPicture:
    scene = measure(record.objects, record.T_table_camera)
    rng = Random(int(generator(Purpose.LABEL, seed, record.seed, record.index).integers(2**63)))
    boxes = {thing.instance: _box(thing) for thing in record.objects}
    labels = PictureLabels(
        image=f"{record.seed}-{record.index:04d}.jpg",
        phrases=tuple(LabelledPhrase(e.text, e.kind, tuple(boxes[i] for i in e.referents)) for e in expressions),
        regions=_regions(scene, rng),
        things=_things(scene),
        questions=_questions(scene, rng),
        ambiguous=_ambiguous(scene, rng),
    )
    return LabelledPicture(record.rgb, labels)


def _regions(scene: Geometry, rng: Random) -> tuple[LabelledRegion, ...]:
    shown = [thing for index, thing in enumerate(scene.objects) if scene.eligible[index]]
    chosen = rng.sample(shown, min(REGIONS, len(shown)))
    return tuple(LabelledRegion(_box(thing), thing.colour, thing.category) for thing in chosen)


def _things(scene: Geometry) -> tuple[LabelledThing, ...]:
    expected = set(prominent(scene))
    return tuple(
        LabelledThing(_box(thing), thing.colour, thing.category, index in expected)
        for index, thing in enumerate(scene.objects)
    )


def _questions(scene: Geometry, rng: Random) -> tuple[LabelledQuestion, ...]:
    """One of each sort that the picture admits."""
    asked = {sort: draw(scene, rng, Lexicon()) for sort, draw in SORTS.items()}
    return tuple(
        LabelledQuestion(exchange[0], sort, (exchange[1],)) for sort, exchange in asked.items() if exchange is not None
    )


def _ambiguous(scene: Geometry, rng: Random) -> tuple[LabelledPhrase, ...]:
    options = heads_of_several(scene)
    chosen = rng.sample(options, min(AMBIGUOUS, len(options)))
    return tuple(
        LabelledPhrase(
            varied(head_words(head, rng), rng, indefinite=False),
            "ambiguous",
            tuple(_box(scene.objects[index]) for index in members),
        )
        for head, members in chosen
    )


def _box(thing: SceneObject) -> Box:
    x1, y1, x2, y2 = thing.box
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)
