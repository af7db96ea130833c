"""A phrase for one thing that fits two or three: neither is the right one, so their boxes are to share the weight."""

from __future__ import annotations

from random import Random

from kosmos_agent.training.examples import Piece, Task
from kosmos_sim.expressions.geometry import Geometry
from kosmos_sim.expressions.text import Head, named

_MOST = 3


def heads_of_several(scene: Geometry) -> list[tuple[Head, tuple[int, ...]]]:
    """Descriptions that fit two or three things, all of which show well, with the indices of those."""
    return [
        (head, tuple(members))
        for head, members in scene.heads.items()
        if head != (None, None) and 2 <= len(members) <= _MOST and all(scene.eligible[index] for index in members)
    ]


def either(scene: Geometry, rng: Random) -> Task | None:
    """One of them, drawn anew each time that the picture comes round. None where every description fits one thing."""
    options = heads_of_several(scene)
    if not options:
        return None
    head, members = rng.choice(options)
    index = rng.choice(members)
    thing = Piece(
        f" {named(head, rng)}", boxes=(scene.objects[index].box,), instances=(scene.instance(index),), given="text"
    )
    return Task("either", (thing,))
