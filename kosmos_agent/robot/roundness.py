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
REWEIGHTINGS = 15
CONVERGED_M = 5e-5
MIN_SCALE_M = 0.0005
FITTING_SCALES = 1.5
MOSTLY_FITTING_SHARE = 0.95
MIN_FITTING_SHARE = 0.7
RIDGE = 1e-9
OUTSIDE_SHARE = 1.15
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


def sticking_out(circle: Circle, xy_m: Floats) -> Mask:
    """Points well outside the circle: a handle, a spout."""
    return np.asarray(np.linalg.norm(xy_m - circle.middle_m, axis=1) > OUTSIDE_SHARE * circle.radius_m)


def _fits_view(circle: Circle, xy_m: Floats, view: ViewAxes, widths: tuple[float, float]) -> bool:
    """As wide as what is seen across the view, and seen from outside: a banana bends about an empty middle."""
    xy_m = xy_m[~sticking_out(circle, xy_m)]
    if len(xy_m) < MIN_POINTS:
        return False
    low, high = np.percentile(xy_m @ view.across, (1, 99))
    ratio = 2 * circle.radius_m / max(high - low, 1e-6)
    towards = (xy_m - circle.middle_m) @ view.towards / circle.radius_m
    outside = towards.max() >= MIN_FRONT_SHARE and np.ptp(towards) >= MIN_DEPTH
    return bool(outside and widths[0] <= ratio <= widths[1])


def _from_walls(xy_m: Floats, heights_m: Floats, noise_m: float) -> Circle | None:
    """Reweighted least squares, so that a handle loses its say; a flat top, which fills the circle, is left out."""
    walls = heights_m < np.percentile(heights_m, OUTER_PERCENTILE) - TOP_CUT_M
    if walls.sum() < MIN_POINTS:
        return None
    points, detrend = xy_m[walls], _SliceDetrend(heights_m[walls])
    weights, middle = np.ones(len(points)), np.full(2, np.inf)
    for _ in range(REWEIGHTINGS):
        before, middle = middle, _best_middle(points, detrend, weights)
        radii = np.linalg.norm(points - middle, axis=1)
        deviations = np.abs(detrend(radii, weights))
        scale_m = max(2 * float(np.median(deviations)), MIN_SCALE_M)
        if np.abs(middle - before).max() < CONVERGED_M:
            break
        weights = 1.0 / (1.0 + (deviations / scale_m) ** 2) ** 2
    fitting = deviations < FITTING_SCALES * scale_m
    circle = Circle(middle, float(np.percentile(radii[fitting], OUTER_PERCENTILE)))
    limit = MAX_RESIDUAL if fitting.mean() > MOSTLY_FITTING_SHARE else MAX_TRIMMED_RESIDUAL
    if fitting.mean() < MIN_FITTING_SHARE or not _within(deviations[fitting], limit, circle.radius_m, noise_m):
        return None
    return circle


def _within(deviations_m: Floats, limit: float, radius_m: float, noise_m: float) -> bool:
    noise_m = min(noise_m, MAX_NOISE_SHARE * radius_m)
    return bool(np.mean(deviations_m**2) <= (limit * radius_m) ** 2 + noise_m**2)


def _best_middle(points: Floats, detrend: _SliceDetrend, weights: Floats) -> Floats:
    """Least squares for the middle c in |p|^2 = 2 p.c + (a line in height for each slice)."""
    origin = points.mean(axis=0)
    x, y = (points - origin).T
    design = 2.0 * np.stack([detrend(x, weights), detrend(y, weights)], axis=1)
    weighted = design * weights[:, None]
    normal = design.T @ weighted
    normal += RIDGE * np.trace(normal) * np.eye(2)  # a flat wall has no middle: let it be far off, not undefined
    return np.asarray(np.linalg.solve(normal, weighted.T @ detrend(x * x + y * y, weights)) + origin)


class _SliceDetrend:
    """Removes from values their weighted mean and linear trend with height, slice by slice.

    The linear trend lets balls and cones fit exactly: within a slice their squared radius changes with height.
    """

    def __init__(self, heights_m: Floats) -> None:
        span = max(float(np.ptp(heights_m)), 1e-9)
        self._slice = np.minimum((heights_m - heights_m.min()) / span * SLICES, SLICES - 1).astype(np.intp)
        self._heights_m = heights_m

    def __call__(self, values: Floats, weights: Floats) -> Floats:
        total = np.bincount(self._slice, weights, minlength=SLICES) + 1e-12

        def mean(items: Floats) -> Floats:
            return np.asarray((np.bincount(self._slice, weights * items, minlength=SLICES) / total)[self._slice])

        rise = self._heights_m - mean(self._heights_m)
        centred = values - mean(values)
        return np.asarray(centred - rise * mean(centred * rise) / (mean(rise**2) + 1e-12))


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
