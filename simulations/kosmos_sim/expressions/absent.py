"""Things that are not there, mostly nearly there: right colour and wrong category, or in the wrong place."""

from __future__ import annotations

from random import Random

from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.geometry import NO, Geometry
from kosmos_sim.expressions.relations import SHARES, anchor_head, wording
from kosmos_sim.expressions.superlatives import WORDINGS as SUPERLATIVES
from kosmos_sim.expressions.text import Head, definite, head_words, named, varied
from kosmos_sim.lexicon import Lexicon, lookalikes

_ATTEMPTS = 8


def is_missing(scene: Geometry, head: Head) -> bool:
    """Nothing fits, not even something of that colour that looks like one."""
    colour, category = head
    if category is None:
        return not scene.fits(head)
    return not any(scene.fits((colour, near)) for near in lookalikes(category))


def missing_head(scene: Geometry, rng: Random, lexicon: Lexicon) -> Head | None:
    """A description that fits nothing; four in five share a word with something that shows."""
    for _ in range(_ATTEMPTS):
        head: Head = (rng.choice(lexicon.colours), rng.choice(lexicon.categories))
        draw = rng.random()
        if scene.objects and draw < 0.8:
            thing = rng.choice(scene.objects)
            head = (thing.colour, head[1]) if draw < 0.4 else (head[0], thing.category)
        elif draw < 0.9:
            head = (None, head[1])
        elif draw < 0.94:
            head = (head[0], None)
        if is_missing(scene, head):
            return head
    return None


def absent(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    if rng.random() < 0.35:
        text = misplaced(scene, rng)
        if text is not None:
            return Expression(text, "absent", ())
    head = missing_head(scene, rng, lexicon)
    return None if head is None else Expression(_words(scene, head, rng), "absent", ())


def misplaced(scene: Geometry, rng: Random) -> str | None:
    """Something present said to be where nothing of its description or like it is: `the cup left of the box`."""
    names = list(scene.states)
    for _ in range(_ATTEMPTS if len(scene.objects) > 1 else 0):
        name = rng.choices(names, [SHARES[name] for name in names])[0]
        subject, anchor = rng.sample(range(len(scene.objects)), 2)
        other = anchor_head(scene, anchor, rng)
        thing = scene.objects[subject]
        head = (thing.colour if rng.random() < 0.6 else None, thing.category)
        if other is None or not _nothing_like_it(scene, head, name, anchor):
            continue
        words = f"{head_words(head, rng)} {wording(name, scene.objects[anchor].category, rng)}"
        return f"{varied(words, rng)} {definite(other, rng)}"
    return None


def _nothing_like_it(scene: Geometry, head: Head, relation: str, anchor: int) -> bool:
    colour, category = head
    alike = lookalikes(category) if category else (None,)
    states = scene.states[relation]
    return all(states[index][anchor] == NO for near in alike for index in scene.fits((colour, near)))


def _words(scene: Geometry, head: Head, rng: Random) -> str:
    draw = rng.random()
    if draw < 0.06:
        name = rng.choice(tuple(SUPERLATIVES))
        return f"the {rng.choice(SUPERLATIVES[name])} {head_words(head, rng)}"
    if draw < 0.1:
        return f"the {head_words(head, rng, many=True)}"
    if draw < 0.28 and scene.objects:
        anchor = rng.randrange(len(scene.objects))
        other = anchor_head(scene, anchor, rng)
        if other is not None:
            name = rng.choice(tuple(SHARES))
            words = f"{head_words(head, rng)} {wording(name, scene.objects[anchor].category, rng)}"
            return f"{varied(words, rng)} {definite(other, rng)}"
    return named(head, rng)
