"""What may be said of a picture unasked: the brief linked caption, and the description of one given box."""

from __future__ import annotations

from random import Random

from kosmos_agent.training.examples import Piece, Task
from kosmos_sim.expressions.geometry import YES, Geometry
from kosmos_sim.expressions.relations import SHARES, anchor_head, wording
from kosmos_sim.expressions.text import colour_word, definite, head_words, with_article
from kosmos_sim.lexicon import NUMBERS

MENTIONED = 6
_POINTERS = (("It", "is"), ("It", "is"), ("It", "is"), ("This", "is"), ("The object", "is"))


def caption(scene: Geometry, rng: Random) -> Task | None:
    """The most prominent things left to right, equals together: ` a red cup`, ` and`, ` two blue boxes`."""
    groups = _groups(scene)
    if not groups:
        return None
    pieces = [Piece(" An image of", given="text")]
    for place, group in enumerate(groups):
        if place:
            last = place == len(groups) - 1
            pieces.append(Piece(" and" if last else ","))
        pieces.append(_linked(scene, group, rng))
    pieces.append(Piece("."))
    return Task("caption", tuple(pieces))


def prominent(scene: Geometry) -> list[int]:
    """The largest things that show well, at most `MENTIONED`, left to right: what a brief caption names."""
    shown = [index for index in range(len(scene.objects)) if scene.eligible[index]]
    largest = sorted(shown, key=scene.area.__getitem__, reverse=True)[:MENTIONED]
    return sorted(largest, key=scene.centre_x.__getitem__)


def _groups(scene: Geometry) -> list[list[int]]:
    """The prominent things, equals together, each group and the row of groups ordered left to right."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index in prominent(scene):
        thing = scene.objects[index]
        groups.setdefault((thing.colour, thing.category), []).append(index)
    return list(groups.values())


def _linked(scene: Geometry, group: list[int], rng: Random) -> Piece:
    thing = scene.objects[group[0]]
    many = len(group) > 1
    words = head_words((thing.colour, thing.category), rng, many=many)
    return Piece(
        f" {NUMBERS[len(group)]} {words}" if many else f" {with_article(words)}",
        boxes=tuple(scene.objects[index].box for index in group),
        instances=tuple(scene.instance(index) for index in group),
    )


def describe(scene: Geometry, rng: Random) -> Task | None:
    """` It` with its box given, then what it is and, now and then, where."""
    shown = [index for index in range(len(scene.objects)) if scene.eligible[index]]
    if not shown:
        return None
    index = rng.choice(shown)
    thing = scene.objects[index]
    subject, verb = rng.choice(_POINTERS)
    words = with_article(f"{colour_word(thing.colour, rng)} {thing.category}")
    place = _place(scene, index, rng) if rng.random() < 0.35 else None
    pieces = (
        Piece(f" {subject}", boxes=(thing.box,), instances=(thing.instance,), given="all"),
        Piece(f" {verb}", given="text"),
        Piece(f" {words} {place}" if place else f" {words}"),
    )
    return Task("describe", pieces)


def _place(scene: Geometry, index: int, rng: Random) -> str | None:
    """` left of the blue box`: any relation that clearly holds with something that can be named."""
    options = [
        (name, anchor)
        for name, states in scene.states.items()
        for anchor, state in enumerate(states[index])
        if state == YES and scene.eligible[anchor] and scene.unique_heads(anchor)
    ]
    if not options:
        return None
    name, anchor = rng.choices(options, [SHARES[name] for name, _ in options])[0]
    head = anchor_head(scene, anchor, rng)
    assert head is not None  # noqa: S101 - only anchors that can be named are options
    return f"{wording(name, scene.objects[anchor].category, rng)} {definite(head, rng)}"
