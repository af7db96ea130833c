"""By counting: `the second cup from the left`."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.geometry import Geometry
from kosmos_sim.expressions.superlatives import groups
from kosmos_sim.expressions.text import head_words, varied
from kosmos_sim.lexicon import Lexicon

STEP_MIN = 0.04
"""Between the box centres of neighbours in the row, in picture widths."""
ORDINALS = ("first", "second", "third", "fourth")
_ATTEMPTS = 6


def row(scene: Geometry, members: tuple[int, ...]) -> list[int] | None:
    """The members left to right, if every one of them shows well and the order is clear."""
    if not all(scene.eligible[index] for index in members):
        return None
    ordered = sorted(members, key=scene.centre_x.__getitem__)
    steps = (scene.centre_x[b] - scene.centre_x[a] for a, b in pairwise(ordered))
    return ordered if all(step >= STEP_MIN for step in steps) else None


def ordinal(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    heads = groups(scene, 2)
    for _ in range(_ATTEMPTS if heads else 0):
        head = rng.choice(heads)
        ordered = row(scene, scene.heads[head])
        if ordered is None:
            continue
        words, index = _counted(ordered, head_words(head, rng), rng)
        return Expression(varied(words, rng, indefinite=False), "ordinal", (scene.instance(index),))
    return None


def _counted(ordered: list[int], noun: str, rng: Random) -> tuple[str, int]:
    if len(ordered) == 3 and rng.random() < 0.25:
        return rng.choice((f"middle {noun}", f"{noun} in the middle")), ordered[1]
    place = _place(rng, len(ordered))
    if rng.random() < 0.5:
        return f"{ORDINALS[place]} {noun} from the left", ordered[place]
    return f"{ORDINALS[place]} {noun} from the right", ordered[-1 - place]


def _place(rng: Random, length: int) -> int:
    """Mostly second and beyond: the first is better called leftmost."""
    if rng.random() < 0.15:
        return 0
    return rng.randrange(1, min(length, len(ORDINALS)))
