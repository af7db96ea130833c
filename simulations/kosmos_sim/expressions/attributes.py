"""Colour and category: `the red cup`, `the cup`, `the red thing`."""

from __future__ import annotations

from random import Random

from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.geometry import Geometry
from kosmos_sim.expressions.text import Head, named
from kosmos_sim.lexicon import Lexicon


def attribute(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    return _only_one(scene, rng, "attribute", colour=True, category=True)


def category(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    return _only_one(scene, rng, "category", colour=False, category=True)


def colour(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    return _only_one(scene, rng, "colour", colour=True, category=False)


def _only_one(scene: Geometry, rng: Random, kind: str, *, colour: bool, category: bool) -> Expression | None:
    options: list[tuple[Head, int]] = []
    for index, thing in enumerate(scene.objects):
        head = (thing.colour if colour else None, thing.category if category else None)
        if scene.eligible[index] and len(scene.fits(head)) == 1:
            options.append((head, index))
    if not options:
        return None
    head, index = rng.choice(options)
    return Expression(named(head, rng), kind, (scene.instance(index),))
