"""Rigid transforms as 4 x 4 matrices. `T_a_b` takes points of frame b to frame a: `p_a = T_a_b @ p_b`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kosmos_agent.errors import CameraModelError

Floats = NDArray[np.float64]

ROTATION_TOLERANCE = 1e-4
"""Largest entry of R Rt - I that is still taken for rounding (float32 poses reach about 1e-6)."""


def checked_transform(T: ArrayLike, name: str = "T") -> Floats:
    """`T` as (4, 4) float64; CameraModelError unless it is a finite rotation and translation."""
    matrix = np.asarray(T, dtype=np.float64)
    if matrix.shape != (4, 4):
        raise CameraModelError(f"{name} has shape {matrix.shape}; a rigid transform is (4, 4)")
    if not np.isfinite(matrix).all():
        raise CameraModelError(f"{name} holds values that are not finite")
    if not np.allclose(matrix[3], (0, 0, 0, 1), atol=ROTATION_TOLERANCE):
        raise CameraModelError(f"{name} has last row {matrix[3].tolist()}; a rigid transform has [0, 0, 0, 1]")
    rotation = matrix[:3, :3]
    residual = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    if residual > ROTATION_TOLERANCE:
        raise CameraModelError(f"the rotation of {name} is off from orthonormal by {residual:.2g}")
    if np.linalg.det(rotation) < 0:
        raise CameraModelError(f"the rotation of {name} mirrors (determinant -1); it needs determinant +1")
    return matrix


def transform(rotation: ArrayLike = ((1, 0, 0), (0, 1, 0), (0, 0, 1)), translation_m: ArrayLike = (0, 0, 0)) -> Floats:
    """A (4, 4) from a (3, 3) rotation and a (3,) translation in metres."""
    T = np.eye(4)
    T[:3, :3] = rotation
    T[:3, 3] = translation_m
    return T


def inverse(T_a_b: Floats) -> Floats:
    """`T_b_a`, by transposing the rotation."""
    rotation = T_a_b[:3, :3].T
    return transform(rotation, -rotation @ T_a_b[:3, 3])


def apply(T_a_b: Floats, points_b: ArrayLike) -> Floats:
    """(..., 3) points of frame b in frame a."""
    return np.asarray(points_b, dtype=np.float64) @ T_a_b[:3, :3].T + T_a_b[:3, 3]


def rotation_z(angle_rad: float) -> Floats:
    """(3, 3), counter-clockwise seen from above."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def looking_at(eye_m: ArrayLike, at_m: ArrayLike, up: ArrayLike = (0, 0, 1)) -> Floats:
    """`T_base_camera` of an optical frame (x right, y down, z forward) at `eye_m` that looks at `at_m`."""
    eye = np.asarray(eye_m, dtype=np.float64)
    forward = np.asarray(at_m, dtype=np.float64) - eye
    right = np.cross(forward, np.asarray(up, dtype=np.float64))
    lengths = np.linalg.norm(forward), np.linalg.norm(right)
    if lengths[1] <= 1e-9 * lengths[0] or lengths[0] == 0:
        raise CameraModelError("eye, target and up lie on one line; choose another `up`")
    z, x = forward / lengths[0], right / lengths[1]
    return transform(np.stack([x, np.cross(z, x), z], axis=1), eye)


def wrapped_axis_rad(angle_rad: float) -> float:
    """The same undirected axis in (-pi/2, pi/2]."""
    return float(np.pi / 2 - np.mod(np.pi / 2 - angle_rad, np.pi))
