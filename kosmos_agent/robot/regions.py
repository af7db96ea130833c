"""Rectangles of a picture, in pixels: x1, y1, x2, y2, x2 and y2 exclusive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BoxPixels = tuple[float, float, float, float]


def grown_px(box_px: BoxPixels, share: float, extra_px: float = 0.0) -> BoxPixels:
    """Each side moved out by `share` of the box's size and `extra_px` more; it may leave the picture."""
    x1, y1, x2, y2 = box_px
    dx, dy = share * (x2 - x1) + extra_px, share * (y2 - y1) + extra_px
    return (x1 - dx, y1 - dy, x2 + dx, y2 + dy)


def whole_px(box_px: BoxPixels, width: int, height: int) -> tuple[int, int, int, int]:
    """The whole pixels that a box touches, cut at the picture's edge."""
    x1, y1 = (int(max(np.floor(value), 0)) for value in box_px[:2])
    return (x1, y1, int(min(np.ceil(box_px[2]), width)), int(min(np.ceil(box_px[3]), height)))


def inside(px: NDArray[np.float64], box_px: BoxPixels) -> NDArray[np.bool_]:
    """(N,) for (N, 2) points."""
    x1, y1, x2, y2 = box_px
    x, y = px.T
    return np.asarray((x >= x1) & (x < x2) & (y >= y1) & (y < y2))


def centre_weights(px: NDArray[np.float64], box_px: BoxPixels) -> NDArray[np.float64]:
    """1 at the box's middle, 0.14 at the middle of an edge, falling on outside."""
    x1, y1, x2, y2 = box_px
    x, y = px.T
    away_squared = ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y - y1 - y2) / (y2 - y1)) ** 2
    return np.asarray(np.exp(-2 * away_squared))


def iou_px(first: BoxPixels, second: BoxPixels) -> float:
    """Intersection over union, 0 to 1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (first, second)]
    return width * height / (sum(areas) - width * height)
