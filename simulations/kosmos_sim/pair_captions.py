"""Captions such as a picture on the web might have, from the simulation's grammar, with the boxes of their phrases."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from kosmos_agent.training.examples import NormalisedBox, Task
from kosmos_sim.captions import caption
from kosmos_sim.expressions.geometry import YES, Geometry
from kosmos_sim.expressions.relations import SHARES, wording
from kosmos_sim.expressions.text import definite, head_words, with_article

_MOST_SENTENCES = 2
_PLACED_SHARE = 0.5


@dataclass(frozen=True)
class LabelledSpan:
    """Characters [start, end) of a caption and the true boxes of what they name."""

    start: int
    end: int
    boxes: tuple[NormalisedBox, ...]


@dataclass(frozen=True)
class PairCaption:
    """spans: of the noun phrases alone, without what is said of their place."""

    text: str
    spans: tuple[LabelledSpan, ...]


def pair_caption(scene: Geometry, rng: Random) -> PairCaption | None:
    """A list (`An image of a red cup and two boxes.`) or one or two placed things (`A red cup left of the box.`).

    None for a picture of which nothing can be said.
    """
    placed = _placed(scene, rng) if rng.random() < _PLACED_SHARE else None
    if placed is not None:
        return placed
    task = caption(scene, rng)
    return None if task is None else _of_task(task)


def _of_task(task: Task) -> PairCaption:
    text, spans = "", []
    for piece in task.pieces:
        words = piece.text if text else piece.text.lstrip()
        if piece.boxes:
            start = len(text) + len(words) - len(words.lstrip())
            spans.append(LabelledSpan(start, len(text) + len(words), piece.boxes))
        text += words
    return PairCaption(text, tuple(spans))


def _placed(scene: Geometry, rng: Random) -> PairCaption | None:
    """`A red cup left of the blue box. A can on the plate.`: each relation clearly holds, each anchor is unique."""
    options = [
        (name, subject, anchor)
        for name, states in scene.states.items()
        for subject, row in enumerate(states)
        for anchor, state in enumerate(row)
        if state == YES and scene.eligible[subject] and scene.eligible[anchor] and scene.unique_heads(anchor)
    ]
    options.sort(key=lambda option: rng.random() ** (1 / SHARES[option[0]]), reverse=True)
    text, spans, said = "", [], set[str]()
    for name, subject, anchor in options:
        thing, other = scene.objects[subject], scene.objects[anchor]
        words = with_article(head_words((thing.colour, thing.category), rng)).capitalize()
        if words in said or len(said) == _MOST_SENTENCES:
            continue
        said.add(words)
        named = definite(scene.unique_heads(anchor)[0], rng)
        start = len(text) + bool(text)
        text = f"{text} {words}".lstrip() + f" {wording(name, other.category, rng)} {named}"
        spans.append(LabelledSpan(start, start + len(words), (thing.box,)))
        spans.append(LabelledSpan(len(text) - len(named), len(text), (other.box,)))
        text += "."
    return PairCaption(text, tuple(spans)) if spans else None
