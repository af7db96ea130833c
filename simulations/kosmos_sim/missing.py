"""Words for a thing that a table does not hold, for asking a robot what it must not pick up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from kosmos_agent.errors import LayoutError
from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.lexicon import COLOURS, lookalikes

_SHARES_CATEGORY, _SHARES_COLOUR = 0.4, 0.8
"""Cumulative: so often the words share their category, or else their colour, with something that is there."""

Words = tuple[str, str]
"""Category and colour word."""


class Thing(Protocol):
    """Anything with the words that it is called by (`building.Item`, `records.SceneObject`)."""

    @property
    def category(self) -> str: ...

    @property
    def colour(self) -> str: ...


def missing_words(things: Sequence[Thing], rng: np.random.Generator) -> Words:
    """A graspable category and a colour that none of the things has, nor anything of that colour that looks like one.

    LayoutError where the things leave no such words.
    """
    missing = [
        (category, colour)
        for category in GRASPABLE
        for colour in COLOURS
        if not any(thing.colour == colour and thing.category in lookalikes(category) for thing in things)
    ]
    if not missing:
        raise LayoutError("the table holds something like everything; take another seed")
    draw = rng.random()
    if draw < _SHARES_CATEGORY:
        near = [words for words in missing if any(thing.category == words[0] for thing in things)]
    elif draw < _SHARES_COLOUR:
        near = [words for words in missing if any(thing.colour == words[1] for thing in things)]
    else:
        near = missing
    choices = near or missing
    return choices[int(rng.integers(len(choices)))]
