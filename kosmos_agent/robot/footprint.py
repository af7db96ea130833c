"""What an object covers of the table, from the side of it that the camera sees.

Flat-topped things show their whole outline, and the middle of their smallest rectangle is right. Balls, bottles,
cones and cups hide their far side; there the middle of the extent is 5 to 20 mm too near. All of these are bodies
of revolution, so their axis is fitted: at each height the points lie on a circle about it. The fit is taken only
where its residual says that the thing is round (below 4 % of the radius for round things, above 8 % for boxes).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.robot.frames import wrapped_axis_rad

Floats = NDArray[np.float64]

SLICES = 12
MIN_ROUND_POINTS = 40
MAX_ROUND_RESIDUAL = 0.055
MAX_NOISE_SHARE = 0.15
ROUND_WIDTH_RANGE = (0.8, 1.3)
TOP_CUT_M = 0.006
OUTER_PERCENTILE = 97.0


@dataclass(frozen=True)
class Footprint:
    """Horizontal shape in metres. extent_m: along yaw and across it, the longer first.

    size_m: extent along x and y of the frame. is_round: a body of revolution, whose yaw is 0 by convention.
    """

    middle_m: tuple[float, float]
    size_m: tuple[float, float]
    extent_m: tuple[float, float]
    yaw_rad: float
    is_round: bool


@dataclass(frozen=True)
class _Axis:
    middle_m: Floats
    radius_m: float
    residual_m: float


def footprint(xy_m: Floats, heights_m: Floats, across: Floats, noise_m: float = 0.0) -> Footprint:
    """Of (N, 2) points at (N,) heights above the support.

    across: (2,) unit, horizontal, square to the viewing direction: along it nothing hides. noise_m: of one point.
    """
    axis = _fitted_axis(xy_m, heights_m, noise_m)
    if axis is not None and _fills(axis, xy_m @ across):
        x, y = (float(value) for value in axis.middle_m)
        width = 2 * axis.radius_m
        return Footprint((x, y), (width, width), (width, width), 0.0, True)
    return _rectangle(xy_m)


def _fills(axis: _Axis, across_m: Floats) -> bool:
    """The circle is as wide as what is seen across the view, where nothing hides."""
    low, high = np.percentile(across_m, (1, 99))
    ratio = 2 * axis.radius_m / max(high - low, 1e-6)
    return bool(ROUND_WIDTH_RANGE[0] <= ratio <= ROUND_WIDTH_RANGE[1])


def _rectangle(xy_m: Floats) -> Footprint:
    """The smallest rectangle about the points."""
    origin = xy_m.mean(axis=0)
    (x, y), (width, height), angle_deg = cv2.minAreaRect((xy_m - origin).astype(np.float32))
    long_rad = np.deg2rad(angle_deg) + (0.0 if width >= height else np.pi / 2)
    size = np.ptp(xy_m, axis=0)
    return Footprint(
        middle_m=(float(x + origin[0]), float(y + origin[1])),
        size_m=(float(size[0]), float(size[1])),
        extent_m=(float(max(width, height)), float(min(width, height))),
        yaw_rad=wrapped_axis_rad(float(long_rad)),
        is_round=False,
    )


def _fitted_axis(xy_m: Floats, heights_m: Floats, noise_m: float) -> _Axis | None:
    """The upright axis about which the walls are circles, or None where they are not.

    The flat top is left out: its points fill the circle. Within a slice the squared radius may change linearly
    with height, so that balls and cones fit exactly.
    """
    walls = heights_m < np.percentile(heights_m, OUTER_PERCENTILE) - TOP_CUT_M
    if walls.sum() < MIN_ROUND_POINTS:
        return None
    points, heights = xy_m[walls], heights_m[walls]
    origin = points.mean(axis=0)
    points = points - origin
    detrended = _SliceDetrend(heights)
    design = 2.0 * np.stack([detrended(points[:, 0]), detrended(points[:, 1])], axis=1)
    middle, _, rank, _ = np.linalg.lstsq(design, detrended((points**2).sum(axis=1)), rcond=1e-6)
    if rank < 2:
        return None
    radii = np.linalg.norm(points - middle, axis=1)
    radius_m = float(np.percentile(radii, OUTER_PERCENTILE))
    residual_m = float(np.sqrt(np.mean(detrended(radii) ** 2)))
    noise_m = min(noise_m, MAX_NOISE_SHARE * radius_m)
    if residual_m**2 > (MAX_ROUND_RESIDUAL * radius_m) ** 2 + noise_m**2:
        return None
    return _Axis(middle + origin, radius_m, residual_m)


class _SliceDetrend:
    """Removes from values their mean and their linear trend with height, slice by slice."""

    def __init__(self, heights_m: Floats) -> None:
        span = max(float(np.ptp(heights_m)), 1e-9)
        self._slice = np.minimum((heights_m - heights_m.min()) / span * SLICES, SLICES - 1).astype(np.intp)
        self._count = np.maximum(np.bincount(self._slice, minlength=SLICES), 1)
        self._rise = heights_m - self._mean(heights_m)
        self._rise_square = self._mean(self._rise**2) + 1e-12

    def __call__(self, values: Floats) -> Floats:
        centred = values - self._mean(values)
        return np.asarray(centred - self._rise * self._mean(centred * self._rise) / self._rise_square)

    def _mean(self, values: Floats) -> Floats:
        sums = np.bincount(self._slice, values, minlength=SLICES)
        return np.asarray((sums / self._count)[self._slice])
