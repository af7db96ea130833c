"""The extreme one of several: `the leftmost cup`, `the biggest red thing`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.geometry import Geometry
from kosmos_sim.expressions.text import Head, head_words, varied
from kosmos_sim.lexicon import Lexicon

SIDE_MARGIN = 0.05
"""Leftmost and rightmost: lead of the box centre over the next, in picture widths."""
DEPTH_MARGIN_M = 0.05
SIZE_RATIO, AREA_RATIO = 1.25, 1.15
"""Biggest and smallest: in real size and, the same way round, in the picture."""

Ahead = Callable[[Geometry, int, int], bool]
"""Whether the first is clearly more so than the second."""


def _leftmost(scene: Geometry, first: int, second: int) -> bool:
    return scene.centre_x[second] - scene.centre_x[first] >= SIDE_MARGIN


def _nearest(scene: Geometry, first: int, second: int) -> bool:
    if scene.ground_m is None:
        return False
    (radial, along), (other_radial, other_along) = scene.ground_m[first], scene.ground_m[second]
    return min(other_radial - radial, other_along - along) >= DEPTH_MARGIN_M


def clearly_bigger(scene: Geometry, first: int, second: int, ratio: float = SIZE_RATIO) -> bool:
    bigger = scene.sized_m[first] >= ratio * scene.sized_m[second]
    return bigger and scene.area[first] >= AREA_RATIO * scene.area[second]


AHEAD: dict[str, Ahead] = {
    "leftmost": _leftmost,
    "rightmost": lambda scene, first, second: _leftmost(scene, second, first),
    "nearest": _nearest,
    "farthest": lambda scene, first, second: _nearest(scene, second, first),
    "biggest": clearly_bigger,
    "smallest": lambda scene, first, second: clearly_bigger(scene, second, first),
}
WORDINGS = {
    "leftmost": ("leftmost",),
    "rightmost": ("rightmost",),
    "nearest": ("nearest", "nearest", "closest"),
    "farthest": ("farthest", "farthest", "furthest"),
    "biggest": ("biggest", "largest"),
    "smallest": ("smallest",),
}
SIDES = {"leftmost": "on the left", "rightmost": "on the right"}
"""Said only of one of two: of three, the middle one too may be on the left."""
_NAMES = tuple(AHEAD)
_ATTEMPTS = 8


def winner(scene: Geometry, name: str, members: tuple[int, ...]) -> int | None:
    """The member clearly ahead of every other, if it shows well enough to be asked for."""
    ahead = AHEAD[name]
    for first in members:
        if scene.eligible[first] and all(ahead(scene, first, other) for other in members if other != first):
            return first
    return None


def groups(scene: Geometry, at_least: int) -> list[Head]:
    """Descriptions that fit several objects; that of everything is `(None, None)`."""
    return [head for head, members in scene.heads.items() if len(members) >= at_least]


def _words(name: str, noun: str, count: int, rng: Random) -> str:
    if count == 2 and name in SIDES and rng.random() < 0.4:
        return f"{noun} {SIDES[name]}"
    return f"{rng.choice(WORDINGS[name])} {noun}"


def superlative(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    heads = groups(scene, 2)
    for _ in range(_ATTEMPTS if heads else 0):
        head = rng.choice(heads)
        if head[1] is None and rng.random() < 0.6:
            continue
        name = rng.choice(_NAMES)
        best = winner(scene, name, scene.heads[head])
        if best is not None:
            words = _words(name, head_words(head, rng), len(scene.heads[head]), rng)
            return Expression(varied(words, rng, indefinite=False), "superlative", (scene.instance(best),))
    return None
