"""Relative size, only where there is a clear partner: `the big red cup`."""

from __future__ import annotations

from random import Random

from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.geometry import Geometry
from kosmos_sim.expressions.superlatives import clearly_bigger, groups
from kosmos_sim.expressions.text import Head, head_words, varied
from kosmos_sim.lexicon import Lexicon

PARTNER_RATIO = 1.3
_ATTEMPTS = 6


def outsized(scene: Geometry, head: Head, *, big: bool) -> int | None:
    """The one member that all the others are clearly smaller (or bigger) than."""
    members = scene.fits(head)
    for index in members:
        others = [other for other in members if other != index]
        pairs = [(index, other) if big else (other, index) for other in others]
        if scene.eligible[index] and pairs and all(clearly_bigger(scene, *p, PARTNER_RATIO) for p in pairs):
            return index
    return None


def size(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    heads = [head for head in groups(scene, 2) if head[1] is not None]
    for _ in range(_ATTEMPTS if heads else 0):
        head, big = rng.choice(heads), rng.random() < 0.5
        index = outsized(scene, head, big=big)
        if index is not None:
            word = rng.choice(("big", "big", "large") if big else ("small", "small", "little"))
            text = varied(f"{word} {head_words(head, rng)}", rng)
            return Expression(text, "size", (scene.instance(index),))
    return None
