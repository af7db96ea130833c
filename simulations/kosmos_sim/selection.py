"""Which objects a picture shows and in which colours: often the same kind, or the same colour, more than once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kosmos_sim.colours import COLOURS, Rgb, sample_rgb
from kosmos_sim.objects import TableObject

_PAIR_SHARE = 0.65
_IDENTICAL_SHARE = 0.4
_SAME_COLOUR_SHARE = 0.45
_COUNTS = np.arange(3, 11)
_COUNT_WEIGHTS = np.array([0.12, 0.16, 0.18, 0.17, 0.14, 0.11, 0.07, 0.05])


@dataclass(frozen=True)
class Choice:
    """slot: index in the scene. rgb: None where the object keeps its natural colour."""

    slot: int
    colour: str
    rgb: Rgb | None


def choose(objects: Sequence[TableObject], rng: np.random.Generator) -> list[Choice]:
    """3 to 10 choices in random order, supports such as plates first."""
    count = int(rng.choice(_COUNTS, p=_COUNT_WEIGHTS))
    order = [int(index) for index in rng.permutation(len(objects))]
    group = _group(objects, order, rng) if rng.random() < _PAIR_SHARE else []
    shown = (group + [index for index in order if index not in group])[:count]
    colours = _colours(objects, shown, group, rng)
    rng.shuffle(shown)
    shown.sort(key=lambda index: objects[index].support is None)
    return [Choice(index, *colours[index]) for index in shown]


def _group(objects: Sequence[TableObject], order: list[int], rng: np.random.Generator) -> list[int]:
    """Two or three objects of one category."""
    for first in order:
        same = [index for index in order if objects[index].category == objects[first].category]
        if len(same) > 1:
            return same[: int(rng.integers(2, 4))]
    return []


def _colours(
    objects: Sequence[TableObject], shown: list[int], group: list[int], rng: np.random.Generator
) -> dict[int, tuple[str, Rgb | None]]:
    words = {index: str(rng.choice(list(COLOURS))) for index in shown}
    if group and rng.random() < _IDENTICAL_SHARE:
        words.update(dict.fromkeys(group, words[group[0]]))
    elif group:
        words.update(zip(group, (str(word) for word in rng.permutation(list(COLOURS))), strict=False))
    if rng.random() < _SAME_COLOUR_SHARE:
        free = [index for index in shown if index not in group[1:]]
        share = free[: int(rng.integers(2, 4))]
        words.update(dict.fromkeys(share, words[share[0]]))
    return {index: _colour(objects[index], words[index], rng) for index in shown}


def _colour(obj: TableObject, word: str, rng: np.random.Generator) -> tuple[str, Rgb | None]:
    return (obj.colour_word, None) if obj.colour_word else (word, sample_rgb(word, rng))
