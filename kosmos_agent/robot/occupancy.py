"""Is there something in a part of space? Depth answers by its rays: they end in it, pass it, or never reach it.

What a gripper reports is a claim; that the place is empty now, or filled, is seen. No model takes part.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.depth import checked_depth, valid
from kosmos_agent.robot.frames import apply, checked_transform, inverse

Floats = NDArray[np.float64]
States = NDArray[np.int8]

HIDDEN, FREE, TAKEN = -1, 0, 1
"""Of one point: no ray reaches it, a ray passes it, a ray ends at it or just before it."""
NOISE_M = 0.015
SEEN_SHARE = 0.35
"""Of the points; with fewer seen nothing is said."""
CLEARED_SHARE, KEPT_SHARE = 0.6, 0.3
FILLED_SHARE, EMPTY_SHARE = 0.25, 0.08

Change = Literal["yes", "no", "cannot_tell"]


class Cylinder:
    """An upright cylinder in a frame whose z is up. middle_m: (x, y) of its axis. bottom_m, top_m: z."""

    def __init__(self, middle_m: tuple[float, float], radius_m: float, bottom_m: float, top_m: float) -> None:
        if not (radius_m > 0 and top_m > bottom_m):
            raise InvalidArgumentError(
                f"radius {radius_m} m, {bottom_m} to {top_m} m; valid: above 0, bottom below top"
            )
        self.middle_m, self.radius_m, self.bottom_m, self.top_m = middle_m, radius_m, bottom_m, top_m

    def points_m(self) -> Floats:
        """(156, 3), rings within it."""
        radii = self.radius_m * np.repeat([0.0, 0.45, 0.85], [1, 4, 8])
        angles = np.concatenate([[0.0], np.arange(4) * np.pi / 2, np.arange(8) * np.pi / 4])
        ring = np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]) + self.middle_m
        heights = np.linspace(self.bottom_m, self.top_m, 12)
        return np.column_stack([np.tile(ring, (len(heights), 1)), np.repeat(heights, len(ring))])


def occupancy(
    cylinder: Cylinder, depth_m: NDArray[np.floating], camera: Camera, T_base_camera: NDArray[np.floating]
) -> States:
    """The state of each of the cylinder's points. Arguments and errors as for `locate`."""
    depth_m = checked_depth(depth_m, camera)
    points = apply(inverse(checked_transform(T_base_camera, "T_base_camera")), cylinder.points_m())
    states = np.full(len(points), HIDDEN, dtype=np.int8)
    ahead = np.flatnonzero(points[:, 2] > 0.05)
    columns, rows = np.floor(camera.project(points[ahead])).astype(int).T
    inside = (columns >= 0) & (columns < camera.width) & (rows >= 0) & (rows < camera.height)
    ahead, columns, rows = ahead[inside], columns[inside], rows[inside]
    measured_m = np.asarray(depth_m[rows, columns], dtype=np.float64)
    behind_m = measured_m - points[ahead, 2]
    # A ray that ends in the near wall stops up to a width of the thing before a point inside it.
    ends = (behind_m > -2 * cylinder.radius_m - NOISE_M) & (behind_m <= NOISE_M)
    states[ahead[ends]] = TAKEN
    states[ahead[behind_m > NOISE_M]] = FREE
    states[ahead[~valid(measured_m)]] = HIDDEN
    return states


def cleared(before: States, after: States) -> Change:
    """Whether what filled the place is gone."""
    seen = (before == TAKEN) & (after != HIDDEN)
    if seen.sum() < SEEN_SHARE * (before == TAKEN).sum() or not seen.any():
        return "cannot_tell"
    share = float((after[seen] == FREE).mean())
    return "yes" if share >= CLEARED_SHARE else "no" if share <= KEPT_SHARE else "cannot_tell"


def filled(before: States, after: States) -> Change:
    """Whether something stands where there was room."""
    seen = (before == FREE) & (after != HIDDEN)
    if seen.sum() < SEEN_SHARE * (before == FREE).sum() or not seen.any():
        return "cannot_tell"
    share = float((after[seen] == TAKEN).mean())
    return "yes" if share >= FILLED_SHARE else "no" if share <= EMPTY_SHARE else "cannot_tell"


def is_free(states: States) -> bool:
    """Seen, and nothing in it."""
    seen = states != HIDDEN
    return float(seen.mean()) >= SEEN_SHARE and float((states[seen] == TAKEN).mean()) <= EMPTY_SHARE
