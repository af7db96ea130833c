"""Box <-> pair of location indices on a square grid (pure).

index = row * side + column, row-major, origin top-left. The first index of a pair is the upper-left cell of the
box, the second its lower-right cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kosmos_agent.errors import InvalidArgumentError, InvalidBoxError
from kosmos_agent.results import Box

GRID_SIDE = 32

Corners = tuple[float, float, float, float]
"""x1, y1, x2, y2 as fractions of the picture."""

Pair = tuple[int, int]


def grid_side(location_count: int) -> int:
    """Side of the square grid with that many cells; InvalidArgumentError if it is no square number."""
    side = math.isqrt(max(location_count, 0))
    if side < 1 or side * side != location_count:
        raise InvalidArgumentError(f"{location_count} location tokens make no square grid; valid: 1, 4, ..., 1024")
    return side


def box_to_pair(corners: Sequence[float], side: int = GRID_SIDE) -> Pair:
    """The cells that hold the upper-left corner and the last point before the lower-right corner.

    The rule of the transformers processor, with the parts outside [0, 1] cut off first. InvalidBoxError for four
    corners that are not finite, inverted, or empty inside the picture.
    """
    x1, y1, x2, y2 = _clamped(corners)
    left, top = _first_cell(x1, side), _first_cell(y1, side)
    right, bottom = max(left, _last_cell(x2, side)), max(top, _last_cell(y2, side))
    return top * side + left, bottom * side + right


def pair_to_corners(pair: Pair, side: int = GRID_SIDE) -> Corners:
    """Outer edges when the two cells share a row or a column, cell centres otherwise.

    Any pair is accepted, as published: an inverted one gives inverted corners. `pair_to_box` refuses those.
    """
    (top, left), (bottom, right) = divmod(pair[0], side), divmod(pair[1], side)
    first, last = (0.0, 1.0) if top == bottom or left == right else (0.5, 0.5)
    cell = 1.0 / side
    return (left + first) * cell, (top + first) * cell, (right + last) * cell, (bottom + last) * cell


def pair_to_box(pair: Pair, side: int = GRID_SIDE) -> Box:
    """InvalidBoxError when an index leaves the grid or the second cell lies above or left of the first."""
    if not all(0 <= index < side * side for index in pair):
        raise InvalidBoxError(f"location pair {pair} leaves the grid; valid indices: 0 to {side * side - 1}")
    if not is_valid_pair(pair, side):
        raise InvalidBoxError(
            f"location pair {pair} is inverted: the second cell may not lie above or left of the first"
        )
    x1, y1, x2, y2 = pair_to_corners(pair, side)
    return Box(x1=x1, y1=y1, x2=min(x2, 1.0), y2=min(y2, 1.0))


def is_valid_pair(pair: Pair, side: int = GRID_SIDE) -> bool:
    """Both indices on the grid, the second not above or left of the first."""
    if not all(0 <= index < side * side for index in pair):
        return False
    (top, left), (bottom, right) = divmod(pair[0], side), divmod(pair[1], side)
    return bottom >= top and right >= left


def _clamped(corners: Sequence[float]) -> Corners:
    if len(corners) != 4 or not all(math.isfinite(value) for value in corners):
        raise InvalidBoxError(f"box {tuple(corners)} needs four finite numbers x1, y1, x2, y2")
    x1, y1, x2, y2 = (min(max(float(value), 0.0), 1.0) for value in corners)
    if not (x2 > x1 and y2 > y1):
        raise InvalidBoxError(f"box {tuple(corners)} needs x1 < x2 and y1 < y2 inside the picture, [0, 1]")
    return x1, y1, x2, y2


def _first_cell(value: float, side: int) -> int:
    return min(math.floor(value * side), side - 1)


def _last_cell(value: float, side: int) -> int:
    return min(math.ceil(value * side - 1), side - 1)
