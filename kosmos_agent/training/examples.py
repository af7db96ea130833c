"""What one training picture holds, independent of where it came from (numpy only, no torch).

A data source (the simulation, a user's own boxes) yields `Example`s; `sequences` turns them into token ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

NormalisedBox = tuple[float, float, float, float]
"""x1, y1, x2, y2 in [0, 1] of the picture, origin top-left, x1 < x2 and y1 < y2."""

Given = Literal["nothing", "text", "all"]


@dataclass(frozen=True)
class Piece:
    """A run of words, or a phrase linked to boxes.

    `boxes` None: plain words. `boxes` (): a phrase that links to nothing (the thing is absent).
    `given` says which part is prompt, hence without loss: nothing, the words alone, or words and boxes.
    `instances` are the values in `Example.instance_map` that the boxes belong to, in the order of `boxes`.
    """

    text: str
    boxes: tuple[NormalisedBox, ...] | None = None
    instances: tuple[int, ...] = ()
    given: Given = "nothing"


@dataclass(frozen=True)
class Task:
    """One thing to say behind the picture; `grounded` puts `<grounding>` in front.

    `kind` names the phrase kind (attribute, category, relation, ...) or the task (caption, describe, question).
    """

    kind: str
    pieces: tuple[Piece, ...]
    grounded: bool = True


@dataclass(frozen=True)
class ExampleObject:
    """A visible object, for the dense auxiliary losses; entry k of `Example.objects` has instance id k + 1."""

    category: str
    colour: str
    box: NormalisedBox


@dataclass(frozen=True)
class Example:
    """A picture with what may be said of it.

    rgb: (H, W, 3) uint8. instance_map: (M, M) uint8 over the whole picture, 0 for background.
    """

    rgb: NDArray[np.uint8]
    instance_map: NDArray[np.uint8]
    objects: tuple[ExampleObject, ...]
    tasks: tuple[Task, ...]
