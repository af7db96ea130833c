"""What an object covers of the table, as a few circles: enough to keep objects apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.meshes import Vertices

Circles = NDArray[np.float64]
"""(K, 3): x, y, radius in metres."""


@dataclass(frozen=True)
class Pose:
    """An object at rest: turn about its own y axis, and what that makes of its shape.

    low_m, high_m: (3,) corners of the turned vertices. circles: footprint about the turned origin.
    """

    lying_deg: float
    low_m: NDArray[np.float64]
    high_m: NDArray[np.float64]
    circles: Circles

    @cached_property
    def centre_m(self) -> NDArray[np.float64]:
        middle: NDArray[np.float64] = (self.low_m + self.high_m) / 2
        return middle

    @cached_property
    def reach_m(self) -> float:
        """Radius of a disc about the middle that holds the footprint."""
        return float(np.max(np.hypot(*(self.circles[:, :2] - self.centre_m[:2]).T) + self.circles[:, 2]))


def resting_pose(vertices: Vertices, lying_deg: float) -> Pose:
    """vertices: (V, 3) already turned by `lying_deg` about y."""
    return Pose(lying_deg, vertices.min(axis=0), vertices.max(axis=0), _circles(vertices[:, :2]))


def _circles(outline: Vertices) -> Circles:
    low, high = outline.min(axis=0), outline.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    long, short = (0, 1) if half[0] >= half[1] else (1, 0)
    ratio = half[long] / half[short]
    if ratio < 1.25:
        radius = np.linalg.norm(outline - middle, axis=1).max()
        return np.array([[*middle, radius]])
    count = int(np.ceil(1.5 * ratio))
    step = 2 * half[long] / count
    circles = np.empty((count, 3))
    circles[:, long] = low[long] + step * (np.arange(count) + 0.5)
    circles[:, short] = middle[short]
    circles[:, 2] = np.hypot(half[short], step / 2)
    return circles


def placed(circles: Circles, x: float, y: float, yaw_rad: float) -> Circles:
    """The same circles after a turn about z and a move."""
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    turned = circles[:, :2] @ np.array([[cosine, sine], [-sine, cosine]])
    return np.column_stack([turned + np.array([x, y]), circles[:, 2]])


def clearance(first: Circles, second: Circles) -> float:
    """Metres between two footprints; negative where they overlap, infinite where one is empty."""
    if not (len(first) and len(second)):
        return float("inf")
    apart = np.hypot(first[:, None, 0] - second[:, 0], first[:, None, 1] - second[:, 1])
    return float((apart - first[:, None, 2] - second[:, 2]).min())
