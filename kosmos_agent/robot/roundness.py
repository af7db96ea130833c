"""Whether a thing is a body of revolution, and where its upright axis stands.

Two witnesses. Its walls: at each height their points lie on a circle about the axis (a can, bottle, ball, cone or
cup; a handle or stem is outvoted). Its outline from above: on the camera's side the hull is an arc as wide as the
thing (a donut, plate, or pot with its lid). Both leave boxes well outside: the walls of an upright box miss the best
circle by 9 % of its radius, those of round things by less than 3 % and the noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SLICES = 12
MIN_POINTS = 40
OUTER_PERCENTILE = 97.0
TOP_CUT_M = 0.006
MAX_RESIDUAL = 0.055
MAX_TRIMMED_RESIDUAL = 0.04
MAX_OUTLINE_RESIDUAL = 0.03
MAX_NOISE_SHARE = 0.15
TRIM_SIGMAS = 2.5
MIN_KEPT_SHARE = 0.75
WIDTH_RANGE = (0.8, 1.3)
OUTLINE_WIDTH_RANGE = (0.93, 1.1)
MIN_FRONT_SHARE = 0.75
MIN_DEPTH = 0.9
MIN_DEPTH_SHARE = 0.6
OUTLINE_STEPS = 240


@dataclass(frozen=True)
class ViewAxes:
    """Horizontal unit vectors: across the line of sight, where nothing hides, and back towards the camera."""

    across: Floats
    towards: Floats


@dataclass(frozen=True)
class Circle:
    middle_m: Floats
    radius_m: float


def upright_axis(xy_m: Floats, heights_m: Floats, view: ViewAxes, noise_m: float) -> Circle | None:
    """The widest circle of a body of revolution, from (N, 2) points at (N,) heights; None for anything else.

    noise_m: standard deviation of a point on an upright wall.
    """
    circle = _from_walls(xy_m, heights_m, noise_m)
    if circle is not None and _fits_view(circle, xy_m, view, WIDTH_RANGE):
        return circle
    circle = _from_outline(xy_m, view, noise_m)
    if circle is not None and _fits_view(circle, xy_m, view, OUTLINE_WIDTH_RANGE):
        return circle
    return None


def _fits_view(circle: Circle, xy_m: Floats, view: ViewAxes, widths: tuple[float, float]) -> bool:
    """As wide as what is seen across the view, and seen from outside: a banana bends about an empty middle."""
    low, high = np.percentile(xy_m @ view.across, (1, 99))
    ratio = 2 * circle.radius_m / max(high - low, 1e-6)
    towards = (xy_m - circle.middle_m) @ view.towards / circle.radius_m
    outside = towards.max() >= MIN_FRONT_SHARE and np.ptp(towards) >= MIN_DEPTH
    return bool(outside and widths[0] <= ratio <= widths[1])


def _from_walls(xy_m: Floats, heights_m: Floats, noise_m: float) -> Circle | None:
    """A flat top is left out: its points fill the circle. A handle is cut off, once, and the rest refitted."""
    walls = heights_m < np.percentile(heights_m, OUTER_PERCENTILE) - TOP_CUT_M
    points, heights, limit = xy_m[walls], heights_m[walls], MAX_RESIDUAL
    for _ in range(2):
        if len(points) < MIN_POINTS:
            return None
        detrended = _SliceDetrend(heights)
        middle = _best_middle(points, detrended)
        if middle is None:
            return None
        radii = np.linalg.norm(points - middle, axis=1)
        deviations = detrended(radii)
        circle = Circle(middle, float(np.percentile(radii, OUTER_PERCENTILE)))
        if _within(deviations, limit, circle.radius_m, noise_m):
            return circle
        spread_m = 1.4826 * float(np.median(np.abs(deviations)))
        kept = np.abs(deviations) < TRIM_SIGMAS * spread_m
        if kept.mean() < MIN_KEPT_SHARE:
            return None
        points, heights, limit = points[kept], heights[kept], MAX_TRIMMED_RESIDUAL
    return None


def _within(deviations_m: Floats, limit: float, radius_m: float, noise_m: float) -> bool:
    noise_m = min(noise_m, MAX_NOISE_SHARE * radius_m)
    return bool(np.mean(deviations_m**2) <= (limit * radius_m) ** 2 + noise_m**2)


def _best_middle(points: Floats, detrended: _SliceDetrend) -> Floats | None:
    """Least squares for the middle c in |p|^2 = 2 p.c + (a line in height for each slice)."""
    origin = points.mean(axis=0)
    x, y = (points - origin).T
    design = 2.0 * np.stack([detrended(x), detrended(y)], axis=1)
    normal = design.T @ design
    if np.linalg.cond(normal) > 1e8:
        return None
    return np.asarray(np.linalg.solve(normal, design.T @ detrended(x * x + y * y)) + origin)


class _SliceDetrend:
    """Removes from values their mean and their linear trend with height, slice by slice.

    The linear trend lets balls and cones fit exactly: within a slice their squared radius changes with height.
    """

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


def _from_outline(xy_m: Floats, view: ViewAxes, noise_m: float) -> Circle | None:
    """Circle through the camera's side of the hull, sampled evenly so that straight edges count by their length."""
    origin = xy_m.mean(axis=0)
    hull = cv2.convexHull((xy_m - origin).astype(np.float32))[:, 0].astype(np.float64)
    if len(hull) < 4:
        return None
    outline = _evenly(hull)
    across = outline @ view.across
    middle_across = (across.min() + across.max()) / 2
    towards = outline @ view.towards
    widest = towards[[across.argmin(), across.argmax()]].mean()
    front = outline[towards >= widest]
    if len(front) < MIN_POINTS or np.ptp(towards) < MIN_DEPTH_SHARE * np.ptp(across):
        return None
    design = np.column_stack([2 * front, np.ones(len(front))])
    (x, y, offset), *_ = np.linalg.lstsq(design, (front**2).sum(axis=1), rcond=None)
    radius_m = float(np.sqrt(max(offset + x * x + y * y, 0.0)))
    middle = np.array([x, y])
    deviations = np.linalg.norm(front - middle, axis=1) - radius_m
    if abs(middle @ view.across - middle_across) > MAX_RESIDUAL * radius_m:
        return None
    if not radius_m or not _within(deviations, MAX_OUTLINE_RESIDUAL, radius_m, noise_m / 2):
        return None
    return Circle(middle + origin, radius_m)


def _evenly(polygon: Floats) -> Floats:
    """(OUTLINE_STEPS, 2) points at equal distances along a closed (N, 2) polygon."""
    closed = np.concatenate([polygon, polygon[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, along[-1], OUTLINE_STEPS, endpoint=False)
    return np.column_stack([np.interp(at, along, closed[:, 0]), np.interp(at, along, closed[:, 1])])
