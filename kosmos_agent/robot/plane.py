"""The plane that things stand on, found in a cloud of points that also holds the things."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import NoDepthError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MIN_POINTS = 30
MIN_INLIER_SHARE = 0.15
MAX_TILT_RAD = float(np.deg2rad(10.0))
SAMPLE_COUNT = 600
HYPOTHESES = 80
LEVEL_HYPOTHESES = 24
TOLERANCE_M = 0.01
MIN_BAND_M = 0.002
REFINEMENTS = 4


@dataclass(frozen=True)
class SupportPlane:
    """`normal . p = offset_m` in the base frame, normal pointing up, length 1.

    sigma_m: standard deviation of the points about the plane. inlier_share: weight of the points on it, 0 to 1.
    """

    normal: tuple[float, float, float]
    offset_m: float
    sigma_m: float
    inlier_share: float

    def heights_m(self, points_m: Floats) -> Floats:
        """Signed distance of (..., 3) points, positive above."""
        return points_m @ np.asarray(self.normal) - self.offset_m

    def z_at(self, xy_m: Floats) -> float:
        """The plane's z at (2,) x, y."""
        nx, ny, nz = self.normal
        return float((self.offset_m - nx * xy_m[0] - ny * xy_m[1]) / nz)


def fit_support_plane(
    points_m: Floats, weights: Floats | None = None, *, max_tilt_rad: float = MAX_TILT_RAD, seed: int = 0
) -> SupportPlane:
    """The heaviest nearly level plane in (N, 3) points of a frame with z up, by seeded RANSAC and refitting.

    weights: (N,) how much each point should count, 1 by default. NoDepthError where no level plane shows.
    """
    if len(points_m) < MIN_POINTS:
        raise NoDepthError(f"{len(points_m)} depth points for the support plane; at least {MIN_POINTS} are needed")
    weights = np.ones(len(points_m)) if weights is None else weights
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(points_m), size=SAMPLE_COUNT, p=weights / weights.sum())
    sample = points_m[chosen]
    normals, offsets = _hypotheses(sample, np.cos(max_tilt_rad))
    distances = np.abs(normals @ sample.T - offsets[:, None])
    best = int(np.maximum(0.0, 1.0 - (distances / TOLERANCE_M) ** 2).sum(axis=1).argmax())
    plane = _refined(points_m, weights, normals[best], float(offsets[best]))
    if plane.inlier_share < MIN_INLIER_SHARE or plane.normal[2] < np.cos(max_tilt_rad):
        raise NoDepthError(
            f"no plane within {np.rad2deg(max_tilt_rad):.0f} degrees of level holds {MIN_INLIER_SHARE:.0%} of the "
            f"{len(points_m)} depth points; check T_base_camera: z of the base frame must point up"
        )
    return plane


def _hypotheses(sample: Floats, min_cos: float) -> tuple[Floats, Floats]:
    """Unit normals (M, 3) and offsets (M,): planes through triples that are level enough, and level ones."""
    triples = sample[: 3 * HYPOTHESES].reshape(-1, 3, 3)
    normals = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    level_enough = np.abs(normals[:, 2]) > min_cos * lengths
    normals = normals[level_enough] / (lengths * np.sign(normals[:, 2]))[level_enough, None]
    anchors = np.concatenate([triples[level_enough, 0], sample[-LEVEL_HYPOTHESES:]])
    normals = np.concatenate([normals, np.tile([[0.0, 0.0, 1.0]], (LEVEL_HYPOTHESES, 1))])
    return normals, np.sum(normals * anchors, axis=1)


def _refined(points_m: Floats, weights: Floats, normal: Floats, offset_m: float) -> SupportPlane:
    """Weighted least squares over the points near the plane, the band shrinking to 2.5 sigma."""
    band_m = TOLERANCE_M
    for _ in range(REFINEMENTS):
        near = np.abs(points_m @ normal - offset_m) < band_m
        if near.sum() < 3:
            return SupportPlane((0.0, 0.0, 1.0), offset_m, band_m, 0.0)
        w, p = weights[near], points_m[near]
        middle = w @ p / w.sum()
        scatter = (p - middle).T @ (w[:, None] * (p - middle)) / w.sum()
        variances, axes = np.linalg.eigh(scatter)
        normal = axes[:, 0] * (1.0 if axes[2, 0] >= 0 else -1.0)
        offset_m = float(normal @ middle)
        sigma_m = float(np.sqrt(max(variances[0], 0.0)))
        band_m = float(np.clip(2.5 * sigma_m, MIN_BAND_M, TOLERANCE_M))
    x, y, z = (float(value) for value in normal)
    return SupportPlane((x, y, z), offset_m, sigma_m, float(weights[near].sum() / weights.sum()))
