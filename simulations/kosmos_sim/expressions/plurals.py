"""All of a group: `the cups`, `both red cups`, `the red things`."""

from __future__ import annotations

from random import Random

from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.geometry import Geometry
from kosmos_sim.expressions.superlatives import groups
from kosmos_sim.expressions.text import head_words
from kosmos_sim.lexicon import NUMBERS, Lexicon

MOST = 6


def plural_group(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    """Only groups whose every member shows well: a half-hidden one would make the set a matter of taste."""
    heads = [
        head
        for head in groups(scene, 2)
        if head != (None, None)
        and len(scene.heads[head]) <= MOST
        and all(scene.eligible[index] for index in scene.heads[head])
    ]
    if not heads:
        return None
    head = rng.choice(heads)
    members = sorted(scene.heads[head], key=scene.centre_x.__getitem__)
    text = _words(head_words(head, rng, many=True), len(members), rng)
    return Expression(text, "plural", tuple(scene.instance(index) for index in members))


def _words(words: str, count: int, rng: Random) -> str:
    draw = rng.random()
    if draw < 0.1:
        return words
    if draw < 0.2:
        return f"all the {words}"
    if draw < 0.28:
        return f"the {NUMBERS[count]} {words}"
    if draw < 0.45 and count == 2:
        return f"both {words}"
    return f"the {words}"
