"""What an object covers of the table, from the side of it that the camera sees.

Flat-topped things show their whole outline, and the middle of a rectangle about them is right. Balls, bottles,
cones and donuts hide their far side, where the middle of what shows is 5 to 20 mm too near; but they are round, so
their axis tells where the rest is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.robot.frames import rotation_z, wrapped_axis_rad
from kosmos_agent.robot.roundness import Circle, ViewAxes, sticking_out, upright_axis

Floats = NDArray[np.float64]

SMALLER_SHARE = 0.9
"""The smallest rectangle is taken only where it is this much smaller than that along the principal axes."""
MIN_HANDLE_SHARE = 0.015
MOMENT_SCALE = 1000.0
"""OpenCV drops moments of areas that are tiny as numbers; millimetres are not."""


@dataclass(frozen=True)
class Footprint:
    """Horizontal shape in metres. extent_m: along yaw and across it, the longer first.

    size_m: extent along x and y of the frame. is_round: a body of revolution, with or without a handle; the middle is
    its axis, the yaw that of the handle, or 0.
    """

    middle_m: tuple[float, float]
    size_m: tuple[float, float]
    extent_m: tuple[float, float]
    yaw_rad: float
    is_round: bool


def footprint(xy_m: Floats, heights_m: Floats, view: ViewAxes, noise_m: float = 0.0) -> Footprint:
    """Of (N, 2) points at (N,) heights above the support. noise_m: of a point on an upright wall."""
    circle = upright_axis(xy_m, heights_m, view, noise_m)
    return rectangle(xy_m) if circle is None else _disc(circle, xy_m)


def _disc(circle: Circle, xy_m: Floats) -> Footprint:
    """A handle lengthens the extent and gives the yaw; the middle stays on the axis, where a gripper wants it."""
    x, y = (float(value) for value in circle.middle_m)
    width = 2 * circle.radius_m
    handle_m = xy_m[sticking_out(circle, xy_m)] - circle.middle_m
    if len(handle_m) < MIN_HANDLE_SHARE * len(xy_m):
        return Footprint((x, y), (width, width), (width, width), 0.0, True)
    yaw_rad = float(np.arctan2(*handle_m.mean(axis=0)[::-1]))
    reach_m = handle_m @ np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
    length = circle.radius_m + float(np.percentile(reach_m, 98))
    return Footprint((x, y), _size_m(circle, handle_m), (max(length, width), width), wrapped_axis_rad(yaw_rad), True)


def _size_m(circle: Circle, handle_m: Floats) -> tuple[float, float]:
    reach = np.concatenate([handle_m, np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]) * circle.radius_m])
    width, depth = (float(value) for value in np.ptp(reach, axis=0))
    return (width, depth)


def rectangle(xy_m: Floats) -> Footprint:
    """An upright rectangle about (N, 2) points: along the principal axes of their hull, or the smallest one.

    The smallest rectangle about a pan lies askew, and its mirror image about the handle is as small: it flips from
    look to look. Principal axes follow the handle, but mean nothing for squares, whose smallest rectangle is clear.
    """
    origin = xy_m.mean(axis=0)
    hull = cv2.convexHull((xy_m - origin).astype(np.float32))[:, 0].astype(np.float64)
    _, _, smallest_deg = cv2.minAreaRect(hull.astype(np.float32))
    smallest, principal = _bounds(hull, np.deg2rad(smallest_deg)), _bounds(hull, _principal_rad(hull))
    best = smallest if smallest.area_m2 < SMALLER_SHARE * principal.area_m2 else principal
    turned = best if best.extent_m[0] >= best.extent_m[1] else _bounds(hull, best.yaw_rad + np.pi / 2)
    x, y = (float(value) for value in turned.middle_m + origin)
    width, depth = (float(value) for value in np.ptp(hull, axis=0))
    return Footprint((x, y), (width, depth), turned.extent_m, wrapped_axis_rad(turned.yaw_rad), False)


@dataclass(frozen=True)
class _Bounds:
    middle_m: Floats
    extent_m: tuple[float, float]
    yaw_rad: float

    @property
    def area_m2(self) -> float:
        return self.extent_m[0] * self.extent_m[1]


def _bounds(points: Floats, yaw_rad: float) -> _Bounds:
    turn = rotation_z(yaw_rad)[:2, :2]
    along = points @ turn
    low, high = along.min(axis=0), along.max(axis=0)
    return _Bounds(turn @ ((low + high) / 2), (float(high[0] - low[0]), float(high[1] - low[1])), float(yaw_rad))


def _principal_rad(hull: Floats) -> float:
    """Direction of the longer axis of inertia of the area inside a convex polygon."""
    moments = cv2.moments((MOMENT_SCALE * hull).astype(np.float32)[:, None])
    return 0.5 * float(np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"]))
