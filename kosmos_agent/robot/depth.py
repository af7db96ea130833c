"""Depth pictures: what is accepted, and the points they hold."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import CameraModelError, InvalidDepthError
from kosmos_agent.robot import frames
from kosmos_agent.robot.camera import Camera

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

MAX_PLAUSIBLE_M = 20.0
CHECK_STRIDE = 4

PixelRegion = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole pixels, x2 and y2 exclusive, inside the picture."""


@dataclass(frozen=True)
class Cloud:
    """Valid depth readings of a region as points. points_m: (N, 3) in the base frame. px: (N, 2) pixel centres.

    rows, columns: (N,) where each lies in the region's (rows, columns) `shape`, every `stride`-th pixel of it.
    """

    points_m: Floats
    px: Floats
    rows: Indices
    columns: Indices
    shape: tuple[int, int]
    stride: int

    def __len__(self) -> int:
        return len(self.points_m)

    @property
    def readings(self) -> int:
        """How many pixels were looked at, valid or not."""
        return self.shape[0] * self.shape[1]

    def smoothed(self, values: Floats, members: Mask) -> Floats:
        """The members' values, each the median of the 3 x 3 pixels about it; pixels of others count as lowest."""
        picture = np.full(self.shape, values[members].min(), dtype=np.float32)
        picture[self.rows[members], self.columns[members]] = values[members]
        return np.asarray(cv2.medianBlur(picture, 3)[self.rows[members], self.columns[members]], dtype=np.float64)


def checked_depth(depth_m: NDArray[np.floating], camera: Camera) -> NDArray[np.floating]:
    """The same picture, once shape, type and unit are plausible; 0, NaN and inf mean "no reading".

    CameraModelError: not the camera's size. InvalidDepthError: whole numbers (millimetres), or a median past 20 m.
    """
    depth = np.asarray(depth_m)
    if depth.shape != (camera.height, camera.width):
        raise CameraModelError(
            f"depth has shape {depth.shape}; a camera of {camera.width} x {camera.height} pixels needs "
            f"({camera.height}, {camera.width}); resize neither alone: use Camera.scaled_to and registered depth"
        )
    if not np.issubdtype(depth.dtype, np.floating):
        raise InvalidDepthError(
            f"depth has type {depth.dtype}; metres as floating point are needed (16-bit depth is mostly millimetres: "
            "divide by 1000)"
        )
    sample = depth[::CHECK_STRIDE, ::CHECK_STRIDE]
    sample = sample[valid(sample)]
    median = float(np.median(sample)) if len(sample) else 0.0
    if median > MAX_PLAUSIBLE_M:
        raise InvalidDepthError(
            f"the median depth is {median:.0f}; past {MAX_PLAUSIBLE_M:.0f} m this looks like millimetres: "
            "divide by 1000"
        )
    return depth


def valid(depth_m: NDArray[np.floating]) -> Mask:
    """Finite and above zero."""
    return np.isfinite(depth_m) & (depth_m > 0)


def cloud(
    depth_m: NDArray[np.floating], camera: Camera, T_base_camera: Floats, region: PixelRegion, stride: int = 1
) -> Cloud:
    """The valid readings of every `stride`-th pixel of a region, in the base frame."""
    x1, y1, x2, y2 = region
    offset = stride // 2
    patch = depth_m[y1 + offset : y2 : stride, x1 + offset : x2 : stride]
    rows, columns = np.nonzero(valid(patch))
    px: Floats = np.stack([x1 + offset + stride * columns, y1 + offset + stride * rows], axis=1) + np.float64(0.5)
    points_camera_m = camera.back_project(px, patch[rows, columns])
    return Cloud(frames.apply(T_base_camera, points_camera_m), px, rows, columns, patch.shape, stride)
