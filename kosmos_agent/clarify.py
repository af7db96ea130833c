"""The question that tells candidates apart by where they are in the picture (pure)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.results import Box

CLEAR = 0.05
"""Centres that are closer than this share of the picture's side are not told apart by their order."""
_CLEAR_RATIO = 1.25


def clarifying_question(phrase: str, boxes: Sequence[Box]) -> str:
    """Asks which of two or more candidates is meant; the same whatever their order.

    Left and right come first, for they hold in every picture. Then nearer and farther: of things on one plane, the
    lower one in the picture is in front. Then size. Three and more are numbered along the first of these that works.
    InvalidArgumentError for fewer than two boxes.
    """
    if len(boxes) < 2:
        raise InvalidArgumentError(f"{len(boxes)} candidates for {phrase!r} need no question; valid: 2 or more")
    ordered = sorted(boxes, key=lambda box: (box.centre, box.corners))
    choice = _one_of_two(*ordered) if len(ordered) == 2 else _numbered(ordered)
    return f'Which one is "{phrase}": {choice}?'


def _one_of_two(left: Box, right: Box) -> str:
    if _spread([left.centre[0], right.centre[0]]):
        return "the left one or the right one"
    if _spread([left.centre[1], right.centre[1]]):
        return "the one in front or the one behind"
    small, large = sorted((left.area, right.area))
    if large >= _CLEAR_RATIO * small:
        return "the larger one or the smaller one"
    return "number 1 or number 2, counted from left to right"


def counted(boxes: Sequence[Box]) -> tuple[list[int], str]:
    """Indices of `boxes` as the question numbers them, from 1, and the way that it counts."""
    across, down = [box.centre[0] for box in boxes], [box.centre[1] for box in boxes]
    order = sorted(range(len(boxes)), key=lambda index: (boxes[index].centre, boxes[index].corners))
    if len(boxes) > 2 and _spread(down) and not _spread(across):
        return sorted(order, key=lambda index: -down[index]), "from front to back"
    return order, "from left to right"


def _numbered(boxes: Sequence[Box]) -> str:
    numbers = ", ".join(str(number) for number in range(1, len(boxes)))
    return f"number {numbers} or {len(boxes)}, counted {counted(boxes)[1]}"


def _spread(places: Sequence[float]) -> bool:
    ordered = sorted(places)
    return all(second - first >= CLEAR for first, second in itertools.pairwise(ordered))
