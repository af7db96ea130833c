"""One thing by its place beside another: `the red cup left of the blue box`."""

from __future__ import annotations

from random import Random

from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.geometry import (
    NEAREST_GAP_M,
    NEAREST_MARGIN_M,
    NEAREST_RATIO,
    NO,
    YES,
    Geometry,
)
from kosmos_sim.expressions.text import Head, definite, head_words, varied
from kosmos_sim.lexicon import CONTAINERS, Lexicon

NEAREST = "nearest to"
WORDINGS = {
    "left of": ("left of", "left of", "to the left of", "on the left of"),
    "right of": ("right of", "right of", "to the right of", "on the right of"),
    "behind": ("behind",),
    "in front of": ("in front of",),
    "next to": ("next to", "next to", "beside"),
    "on": ("on", "on", "on top of"),
    NEAREST: ("nearest to", "closest to", "nearest"),
}
SHARES = {
    "left of": 22, "right of": 22, "behind": 14, "in front of": 14, "next to": 9, "on": 9, NEAREST: 10,
}  # fmt: skip
_RELATIONS_TRIED, _PAIRS_TRIED = 4, 6
_RIVALLED_SHARE = 0.65
"""Of phrases, whose noun alone would be ambiguous where the picture has such: there the relation must be read."""


def wording(relation: str, anchor_category: str, rng: Random) -> str:
    if relation == "on" and anchor_category in CONTAINERS:
        return rng.choice(("in", "in", "inside"))
    return rng.choice(WORDINGS[relation])


def anchor_head(scene: Geometry, index: int, rng: Random) -> Head | None:
    """A description that fits this object alone, mostly colour and category; None where it may not be an anchor."""
    heads = scene.unique_heads(index) if scene.eligible[index] else []
    if not heads:
        return None
    return heads[0] if rng.random() < 0.6 else rng.choice(heads)


def only_match(scene: Geometry, relation: str, head: Head, anchor: int) -> int | None:
    """The one object that the words fit clearly, all others of the head being clearly out."""
    if relation == NEAREST:
        return nearest_match(scene, head, anchor)
    states = scene.states[relation]
    near = [index for index in scene.fits(head) if index != anchor and states[index][anchor] != NO]
    if len(near) == 1 and states[near[0]][anchor] == YES:
        return near[0]
    return None


def nearest_match(scene: Geometry, head: Head, anchor: int) -> int | None:
    """The clear winner among at least two, by centre distance and by free space alike."""
    distance_m, gap_m = scene.distance_m[anchor], scene.gap_m[anchor]
    members = sorted((index for index in scene.fits(head) if index != anchor), key=distance_m.__getitem__)
    if len(members) < 2:
        return None
    best, others = members[0], members[1:]
    stacked = scene.states["on"]
    if stacked[best][anchor] != NO or stacked[anchor][best] != NO:
        return None
    reach_m = max(distance_m[best] + NEAREST_MARGIN_M, distance_m[best] * NEAREST_RATIO)
    edge_m = gap_m[best] + NEAREST_GAP_M
    return best if all(distance_m[o] >= reach_m and gap_m[o] >= edge_m for o in others) else None


def relation(scene: Geometry, rng: Random, lexicon: Lexicon) -> Expression | None:
    names = [name for name in SHARES if name == NEAREST or name in scene.states]
    for _ in range(_RELATIONS_TRIED):
        name = rng.choices(names, [SHARES[name] for name in names])[0]
        pairs = _pairs(scene, name)
        rivalled = [pair for pair in pairs if len(scene.fits((None, scene.objects[pair[0]].category))) > 1]
        if rivalled and rng.random() < _RIVALLED_SHARE:
            pairs = rivalled
        for subject, anchor in rng.sample(pairs, min(_PAIRS_TRIED, len(pairs))):
            found = _phrase(scene, rng, name, subject, anchor)
            if found is not None:
                return found
    return None


def _pairs(scene: Geometry, name: str) -> list[tuple[int, int]]:
    everyone = range(len(scene.objects))
    subjects = [index for index in everyone if scene.eligible[index]]
    if name == NEAREST:
        return [(subject, anchor) for anchor in subjects for subject in subjects if subject != anchor]
    states = scene.states[name]
    return [(subject, anchor) for anchor in subjects for subject in subjects if states[subject][anchor] == YES]


def _phrase(scene: Geometry, rng: Random, name: str, subject: int, anchor: int) -> Expression | None:
    other = anchor_head(scene, anchor, rng)
    if other is None:
        return None
    thing = scene.objects[subject]
    options: list[Head] = [(None, thing.category), (thing.colour, thing.category)]
    if rng.random() < 0.5:
        options.reverse()
    if rng.random() < 0.08:
        options.insert(0, (None, None))
    for head in options:
        if only_match(scene, name, head, anchor) == subject:
            words = f"{head_words(head, rng)} {_joint(name, scene.objects[anchor].category, rng)}"
            text = f"{varied(words, rng)} {definite(other, rng)}"
            return Expression(text, "relation", (scene.instance(subject),))
    return None


def _joint(name: str, anchor_category: str, rng: Random) -> str:
    words = wording(name, anchor_category, rng)
    return f"that is {words}" if rng.random() < 0.05 else words
