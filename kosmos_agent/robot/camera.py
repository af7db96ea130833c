"""Pinhole camera with OpenCV's plumb-bob or rational distortion.

The optical frame is x right, y down, z forward. A pixel's centre lies at +0.5: pixel (0, 0) covers [0, 1] x [0, 1],
and the middle of a picture is (width / 2, height / 2). OpenCV and ROS put centres on whole numbers instead;
`Camera.from_matrix(..., centres_on_integers=True)` takes their matrices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kosmos_agent.errors import CameraModelError

Floats = NDArray[np.float64]

DISTORTION_COUNTS = (0, 4, 5, 8)
UNDISTORT_TOLERANCE_PX = 0.01
_UNDISTORT_STEPS = 60


@dataclass(frozen=True)
class Camera:
    """Intrinsics in pixels of a width x height picture.

    distortion: () for none, k1 k2 p1 p2 [k3] (plumb bob) or k1 k2 p1 p2 k3 k4 k5 k6 (rational), as in OpenCV.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise CameraModelError(f"a picture of {self.width} x {self.height} pixels; both must be at least 1")
        values = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not all(math.isfinite(value) for value in values):
            raise CameraModelError(f"intrinsics {values} are not all finite")
        if self.fx <= 0 or self.fy <= 0:
            raise CameraModelError(f"focal lengths {self.fx}, {self.fy}; both must be above 0 pixels")
        if len(self.distortion) not in DISTORTION_COUNTS:
            raise CameraModelError(
                f"{len(self.distortion)} distortion values; valid: 0 (none), 4 or 5 (plumb_bob), 8 (rational)"
            )

    @classmethod
    def from_matrix(
        cls,
        K: ArrayLike,
        width: int,
        height: int,
        distortion: ArrayLike = (),
        *,
        centres_on_integers: bool = False,
    ) -> Camera:
        """From a (3, 3) or flat (9,) matrix without skew; all-zero distortion becomes ()."""
        matrix = np.asarray(K, dtype=np.float64)
        if matrix.size != 9:
            raise CameraModelError(f"K has shape {matrix.shape}; it needs (3, 3) or 9 values, row by row")
        matrix = matrix.reshape(3, 3)
        if not np.allclose(matrix[[0, 1, 2, 2], [1, 0, 0, 1]], 0) or not np.isclose(matrix[2, 2], 1):
            raise CameraModelError(f"K is {matrix.tolist()}; it needs the form [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]")
        coefficients = tuple(float(value) for value in np.ravel(np.asarray(distortion, dtype=np.float64)))
        shift = 0.5 if centres_on_integers else 0.0
        return cls(
            width=int(width),
            height=int(height),
            fx=float(matrix[0, 0]),
            fy=float(matrix[1, 1]),
            cx=float(matrix[0, 2]) + shift,
            cy=float(matrix[1, 2]) + shift,
            distortion=coefficients if any(coefficients) else (),
        )

    @classmethod
    def from_field_of_view(cls, width: int, height: int, vertical_rad: float) -> Camera:
        """Square pixels, the axis through the middle of the picture."""
        if not 0.0 < vertical_rad < math.pi:
            raise CameraModelError(f"vertical field of view {vertical_rad} rad; it needs 0 < angle < pi")
        focal = height / 2 / math.tan(vertical_rad / 2)
        return cls(width, height, focal, focal, width / 2, height / 2)

    @property
    def matrix(self) -> Floats:
        """(3, 3), pixel centres at +0.5."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def scaled_to(self, width: int, height: int) -> Camera:
        """The same view drawn at another size (the whole picture resized, nothing cropped)."""
        sx, sy = width / self.width, height / self.height
        return replace(
            self, width=width, height=height, fx=self.fx * sx, fy=self.fy * sy, cx=self.cx * sx, cy=self.cy * sy
        )

    def project(self, points_camera_m: ArrayLike) -> Floats:
        """(..., 3) metres in the optical frame -> (..., 2) pixels; CameraModelError for points not in front."""
        points = np.asarray(points_camera_m, dtype=np.float64)
        flat = points.reshape(-1, 3)
        if flat.size and not (flat[:, 2] > 0).all():
            raise CameraModelError(f"{int((~(flat[:, 2] > 0)).sum())} of {len(flat)} points have no z above 0")
        return self._distorted_px(flat[:, :2] / flat[:, 2:]).reshape(*points.shape[:-1], 2)

    def rays(self, px: ArrayLike) -> Floats:
        """(..., 2) pixels -> (..., 3) directions with z = 1, distortion undone.

        CameraModelError where the distortion has no inverse (outside the region the calibration covered).
        """
        pixels = np.asarray(px, dtype=np.float64)
        flat = pixels.reshape(-1, 2)
        slopes = (flat - (self.cx, self.cy)) / (self.fx, self.fy)
        if self.distortion and len(flat):
            slopes = self._undistorted(flat)
        return np.concatenate([slopes, np.ones((len(flat), 1))], axis=1).reshape(*pixels.shape[:-1], 3)

    def back_project(self, px: ArrayLike, depth_m: ArrayLike) -> Floats:
        """(..., 2) pixels and (...) metres along the optical axis -> (..., 3) metres in the optical frame."""
        return self.rays(px) * np.asarray(depth_m, dtype=np.float64)[..., None]

    def _distorted_px(self, slopes: Floats) -> Floats:
        if not self.distortion or not len(slopes):
            return slopes * (self.fx, self.fy) + (self.cx, self.cy)
        points = np.concatenate([slopes, np.ones((len(slopes), 1))], axis=1)
        zero = np.zeros(3)
        px, _ = cv2.projectPoints(points[:, None], zero, zero, self.matrix, np.asarray(self.distortion))
        return np.asarray(px, dtype=np.float64).reshape(-1, 2)

    def _undistorted(self, px: Floats) -> Floats:
        """OpenCV's five steps leave up to a pixel near the edges; go on until the way back closes."""
        slopes: Floats = cv2.undistortPoints(px[:, None], self.matrix, np.asarray(self.distortion)).reshape(-1, 2)
        residual_px = px - self._distorted_px(slopes)
        for _ in range(_UNDISTORT_STEPS):
            if np.abs(residual_px).max() < 1e-3 * UNDISTORT_TOLERANCE_PX:
                return slopes
            slopes = slopes + residual_px / (self.fx, self.fy)
            residual_px = px - self._distorted_px(slopes)
        bad = ~(np.abs(residual_px).max(axis=1) < UNDISTORT_TOLERANCE_PX)
        if bad.any():
            raise CameraModelError(
                f"the distortion {self.distortion} cannot be undone at {int(bad.sum())} of {len(px)} pixels, "
                f"first at {px[bad][0].round(1).tolist()}; use it only inside the region it was calibrated for"
            )
        return slopes
