"""What a stereo or structured-light depth camera makes of a perfect depth picture.

The error of a distance found from disparity grows with its square (the disparity error is constant), and so does the
step between two distances that the sensor can tell apart. Depth is missing where light grazes a surface, beside
edges where only one of the two eyes sees, out of range, and here and there. What is left of the calibration bends
the whole picture smoothly, which no averaging over neighbours removes.
Holes are 0, as in 16-bit depth pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError

DepthPicture = NDArray[np.float32]


@dataclass(frozen=True)
class DepthSensor:
    """sigma_m, step_m: standard deviation and quantum at a distance of 1 m; both grow with the distance squared.

    bias_m: likewise, root mean square over the picture of an error that is smooth across `bias_cells` x `bias_cells`
    parts of it and drawn anew for each picture; 0 for none. The default is 1 mm at 0.7 m.
    range_m: nearest and farthest distance measured. grazing_deg: surfaces seen flatter than this give nothing.
    edge_loss: chance that a pixel beside a jump of more than `edge_m` is lost. pixel_loss: chance for any pixel.
    speckle_loss: share of the picture in lost patches of about `speckle_px` pixels.
    """

    sigma_m: float = 0.0015
    step_m: float = 0.0008
    bias_m: float = 0.002
    bias_cells: int = 4
    range_m: tuple[float, float] = (0.2, 3.0)
    grazing_deg: float = 8.0
    edge_m: float = 0.02
    edge_loss: float = 0.6
    pixel_loss: float = 0.004
    speckle_loss: float = 0.01
    speckle_px: int = 5

    def __post_init__(self) -> None:
        for name in ("edge_loss", "pixel_loss", "speckle_loss"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidArgumentError(f"{name} {getattr(self, name)} must lie in [0, 1]")
        if min(self.sigma_m, self.step_m, self.bias_m, self.range_m[0]) < 0 or self.range_m[0] >= self.range_m[1]:
            raise InvalidArgumentError(f"{self} needs sigma_m, step_m, bias_m >= 0 and 0 <= range_m[0] < range_m[1]")
        if self.bias_cells < 2:
            raise InvalidArgumentError(f"bias_cells {self.bias_cells} must be 2 or more")

    def measure(self, depth_m: DepthPicture, K: NDArray[np.float64], rng: np.random.Generator) -> DepthPicture:
        """depth_m: (H, W) exact metres along the optical axis. K: (3, 3) intrinsics. Returns (H, W), holes 0."""
        exact = depth_m.astype(np.float64)
        noisy = exact + self.sigma_m * exact**2 * rng.standard_normal(exact.shape)
        measured = self._quantised(noisy + exact**2 * self._bias(exact.shape, rng))
        measured[self._lost(exact, K, rng)] = 0.0
        result: DepthPicture = measured.astype(np.float32)
        return result

    def _bias(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
        """(H, W) error at 1 m."""
        cells = rng.standard_normal((self.bias_cells, self.bias_cells))
        smooth = cv2.resize(cells, shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float64)
        return np.asarray(self.bias_m * smooth / np.sqrt(np.mean(smooth**2)))

    def _quantised(self, depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rounds 1 / depth, as disparity is rounded: the step at 1 m is `step_m`."""
        safe = np.maximum(depth, 1e-3)
        if self.step_m == 0:
            return safe
        return 1.0 / np.maximum(np.round(1.0 / safe / self.step_m) * self.step_m, 1e-6)

    def _lost(self, depth: NDArray[np.float64], K: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
        shape = depth.shape
        near, far = self.range_m
        lost: NDArray[np.bool_] = (depth < near) | (depth > far)
        lost |= facing(depth, K) < np.sin(np.deg2rad(self.grazing_deg))
        lost |= _beside_edges(depth, self.edge_m) & (rng.random(shape) < self.edge_loss)
        lost |= rng.random(shape) < self.pixel_loss
        return lost | self._speckle(shape, rng)

    def _speckle(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
        width = 2 * (self.speckle_px // 2) + 1
        smooth = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (width, width), 0)
        return np.asarray(smooth > np.quantile(smooth, 1 - self.speckle_loss))


def facing(depth_m: NDArray[np.float64], K: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W) cosine between the surface normal and the line of sight, from differences of neighbouring pixels."""
    height, width = depth_m.shape
    x = (np.arange(width) + 0.5 - K[0, 2]) / K[0, 0]
    y = (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1]
    rays = np.stack([*np.meshgrid(x, y), np.ones_like(depth_m)], axis=-1)
    points = rays * depth_m[..., None]
    normals = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0))
    lengths = np.linalg.norm(normals, axis=-1) * np.linalg.norm(rays, axis=-1)
    cosine: NDArray[np.float64] = np.abs((normals * rays).sum(axis=-1)) / np.maximum(lengths, 1e-12)
    return cosine


def _beside_edges(depth: NDArray[np.float64], jump_m: float) -> NDArray[np.bool_]:
    kernel = np.ones((3, 3), np.uint8)
    plain = depth.astype(np.float32)
    return np.asarray(cv2.dilate(plain, kernel) - cv2.erode(plain, kernel) > jump_m)
