"""Questions about a picture with one short, certain answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from kosmos_agent.training.examples import Piece, Task
from kosmos_sim.expressions.absent import is_missing, missing_head
from kosmos_sim.expressions.geometry import NO, YES, Geometry
from kosmos_sim.expressions.relations import anchor_head, wording
from kosmos_sim.expressions.text import Head, colour_word, definite, head_words, with_article
from kosmos_sim.lexicon import NUMBERS, Lexicon

Exchange = tuple[str, str]
"""A question and its answer."""

_PLACES = ("left of", "right of", "on", "next to", "behind", "in front of")


def question(scene: Geometry, rng: Random, lexicon: Lexicon) -> Task | None:
    sort = rng.choices(list(SORTS), [_SHARES[name] for name in SORTS])[0]
    exchange = SORTS[sort](scene, rng, lexicon)
    if exchange is None:
        return None
    asked, answer = exchange
    pieces = (Piece(f" Question: {asked} Answer:", given="text"), Piece(f" {answer}"))
    return Task("question", pieces, grounded=False)


def how_many(scene: Geometry, rng: Random, lexicon: Lexicon) -> Exchange | None:
    """Only where every one that counts shows well; none at all in a fifth of the draws."""
    if rng.random() < 0.2:
        head = missing_head(scene, rng, lexicon)
    else:
        head = rng.choice(_repeated_more(scene)) if scene.objects else None
    if head is None or not all(scene.eligible[index] for index in scene.fits(head)):
        return None
    count = len(scene.fits(head))
    if count >= len(NUMBERS):
        return None
    return f"How many {head_words(head, rng, many=True)} are there?", NUMBERS[count]


def _repeated_more(scene: Geometry) -> list[Head]:
    """Descriptions, those that fit several things listed more often, so that `one` is not the usual answer."""
    return [head for head, members in scene.heads.items() for _ in range(len(members) ** 2)]


def what_colour(scene: Geometry, rng: Random, lexicon: Lexicon) -> Exchange | None:
    options = [
        thing
        for index, thing in enumerate(scene.objects)
        if scene.eligible[index] and len(scene.fits((None, thing.category))) == 1
    ]
    if not options:
        return None
    thing = rng.choice(options)
    word = "color" if rng.random() < 0.6 else "colour"
    return f"What {word} is the {thing.category}?", colour_word(thing.colour, rng)


def is_there(scene: Geometry, rng: Random, lexicon: Lexicon) -> Exchange | None:
    """Yes half of the time; the noes mostly share a word with something that shows."""
    if rng.random() < 0.5:
        head = missing_head(scene, rng, lexicon)
        return None if head is None else (f"Is there {with_article(head_words(head, rng))}?", "no")
    shown = [thing for index, thing in enumerate(scene.objects) if scene.eligible[index]]
    if not shown:
        return None
    thing = rng.choice(shown)
    heads: tuple[Head, ...] = (
        (thing.colour, thing.category),
        (thing.colour, thing.category),
        (None, thing.category),
        (thing.colour, None),
    )
    head = rng.choice(heads)
    assert not is_missing(scene, head)  # noqa: S101 - it was read off something that shows
    return f"Is there {with_article(head_words(head, rng))}?", "yes"


def what_is_where(scene: Geometry, rng: Random, lexicon: Lexicon) -> Exchange | None:
    """Only where one thing is clearly there and everything else clearly is not."""
    options = [
        (name, anchor, near[0])
        for name in _PLACES
        if name in scene.states
        for anchor in range(len(scene.objects))
        if len(near := [i for i, row in enumerate(scene.states[name]) if row[anchor] != NO]) == 1
        and scene.states[name][near[0]][anchor] == YES
        and scene.eligible[near[0]]
    ]
    if not options:
        return None
    name, anchor, answer = rng.choice(options)
    head = anchor_head(scene, anchor, rng)
    if head is None:
        return None
    thing = scene.objects[answer]
    where = wording(name, scene.objects[anchor].category, rng)
    words = with_article(f"{colour_word(thing.colour, rng)} {thing.category}")
    return f"What is {where} {definite(head, rng)}?", words


SORTS: Mapping[str, Callable[[Geometry, Random, Lexicon], Exchange | None]] = {
    "how many": how_many,
    "what colour": what_colour,
    "is there": is_there,
    "what is where": what_is_where,
}
_SHARES: Mapping[str, int] = {"how many": 3, "what colour": 1, "is there": 1, "what is where": 3}
"""What needs a count or two places takes longer to learn than what is read off one thing."""
