"""A part of a picture, and the way between its coordinates and the whole's (pure)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidBoxError
from kosmos_agent.results import Box


@dataclass(frozen=True)
class Window:
    """Pixel columns [left, right) and rows [top, bottom) of a width x height picture.

    Whole pixels, so that a box goes in and out without any shift.
    """

    left: int
    top: int
    right: int
    bottom: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right <= self.width and 0 <= self.top < self.bottom <= self.height):
            raise InvalidBoxError(
                f"window {self.left, self.top, self.right, self.bottom} must be non-empty and inside "
                f"{self.width} x {self.height}"
            )

    @classmethod
    def around(cls, box: Box, side: float, width: int, height: int) -> Window:
        """About `side` (a share of each side of the picture) centred on the box, pushed inside the picture."""
        columns = _span(box.centre[0], side, width)
        rows = _span(box.centre[1], side, height)
        return cls(columns[0], rows[0], columns[1], rows[1], width, height)

    def crop(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(height, width, 3) -> the part, a view."""
        return rgb[self.top : self.bottom, self.left : self.right]

    def to_whole(self, box: Box) -> Box:
        """From fractions of the window to fractions of the picture."""
        (corners,) = self.to_whole_corners(np.array([box.corners]))
        x1, y1, x2, y2 = corners.tolist()
        return Box(x1=x1, y1=y1, x2=x2, y2=y2)

    def to_whole_corners(self, corners: NDArray[np.float64]) -> NDArray[np.float64]:
        """`to_whole` of many, (N, 4)."""
        start = np.array([self.left, self.top] * 2)
        extent = np.array([self.right - self.left, self.bottom - self.top] * 2)
        return np.minimum((start + corners * extent) / np.array([self.width, self.height] * 2), 1.0)

    def to_window(self, box: Box) -> Box:
        """The inverse; what lies outside is cut off. InvalidBoxError when nothing lies inside."""
        x1, y1, x2, y2 = box.to_pixels(self.width, self.height)
        across, down = self.right - self.left, self.bottom - self.top
        return Box.from_pixels((x1 - self.left, y1 - self.top, x2 - self.left, y2 - self.top), across, down)


def _span(centre: float, side: float, pixels: int) -> tuple[int, int]:
    length = min(pixels, max(1, math.ceil(side * pixels)))
    start = min(max(round(centre * pixels - length / 2), 0), pixels - length)
    return start, start + length
