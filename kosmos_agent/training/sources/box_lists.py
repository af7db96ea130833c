"""What is asked about a labelled picture, divided so that no answer is longer than a row.

A name's boxes stand behind it as the model writes them, `inference.several.MOST_BOXES` at most. Where it has more, each
stretch of them is an answer of its own that does not learn to close the list. Answers of one picture share samples as
far as they fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kosmos_agent.errors import InvalidConfigError
from kosmos_agent.inference.several import MOST_BOXES
from kosmos_agent.location import Corners
from kosmos_agent.training.labels.labelled import BoxedPicture

_TOKENS_PER_BOX = 3
"""`<object>` or the delimiter, first corner, second corner."""


@dataclass(frozen=True)
class BoxList:
    """whole: these are all boxes of that name on the picture, so that the end of the list is right where it ends."""

    name: str
    boxes: tuple[Corners, ...]
    whole: bool = True


Cost = Callable[[BoxList], int]
"""Tokens of the answer in a row."""


def box_lists(picture: BoxedPicture, cost: Cost, room: int) -> list[BoxList]:
    """All boxes of the picture. InvalidConfigError where a row has no room for one name with one box."""
    found: list[BoxList] = []
    for name in picture.names:
        boxes = tuple(picture.boxes_of(name))
        single = cost(BoxList(name, boxes[:1]))
        if single > room:
            raise InvalidConfigError(
                f"{picture.path.name}: {name!r} with one box takes {single} tokens, and a row has room for {room} "
                f"behind its picture; valid: batch.row_tokens larger by {single - room} or more"
            )
        most = min(MOST_BOXES, 1 + (room - single) // _TOKENS_PER_BOX)
        parts = [boxes[start : start + most] for start in range(0, len(boxes), most)]
        whole = len(parts) == 1 and name not in picture.crowds
        found += [BoxList(name, part, whole=whole) for part in parts]
    return found


def shared(lists: Sequence[BoxList], cost: Cost, room: int) -> list[tuple[BoxList, ...]]:
    """First fit, in order; one that is longer than `room` has a sample for itself."""
    parts: list[list[BoxList]] = []
    left: list[int] = []
    for item in lists:
        length = cost(item)
        fit = next((index for index, free in enumerate(left) if free >= length), None)
        if fit is None:
            parts.append([])
            left.append(room)
            fit = len(parts) - 1
        parts[fit].append(item)
        left[fit] -= length
    return [tuple(part) for part in parts]
