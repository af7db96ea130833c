"""Rigid poses as translation and unit quaternion (x, y, z, w), and the way between two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kosmos_agent.robot import frames
from kosmos_ros.errors import BadTransformError

Floats = NDArray[np.float64]

NORM_TOLERANCE = 1e-3
"""How far a quaternion's length may be off 1 before it is an error instead of rounding."""


@dataclass(frozen=True, eq=False)
class Pose:
    """translation_m: (3,). quaternion: (4,), x y z w, of length 1."""

    translation_m: Floats
    quaternion: Floats

    @classmethod
    def checked(cls, translation_m: ArrayLike, quaternion: ArrayLike, name: str = "the transform") -> Pose:
        """BadTransformError unless finite and, but for rounding, of length 1; `name` is for the message."""
        position, rotation = np.asarray(translation_m, np.float64), np.asarray(quaternion, np.float64)
        if position.shape != (3,) or rotation.shape != (4,):
            raise BadTransformError(f"{name} has shapes {position.shape} and {rotation.shape}; valid: (3,) and (4,)")
        if not (np.isfinite(position).all() and np.isfinite(rotation).all()):
            raise BadTransformError(f"{name} holds values that are not finite")
        length = float(np.linalg.norm(rotation))
        if abs(length - 1) > NORM_TOLERANCE:
            raise BadTransformError(f"the quaternion of {name} has length {length:.4g}; a rotation has 1")
        return cls(position, rotation / length)

    @property
    def matrix(self) -> Floats:
        """(4, 4)."""
        return frames.transform(rotation_matrix(self.quaternion), self.translation_m)

    def towards(self, other: Pose, share: float) -> Pose:
        """Linear in position, slerp in rotation; share 0 is this pose, 1 the other."""
        translation_m = self.translation_m + share * (other.translation_m - self.translation_m)
        return Pose(translation_m, slerp(self.quaternion, other.quaternion, share))


def slerp(start: Floats, end: Floats, share: float) -> Floats:
    """Along the shorter way at constant speed."""
    cosine = float(start @ end)
    if cosine < 0:
        end, cosine = -end, -cosine
    if cosine > 1 - 1e-9:
        # So close that the arc is its chord, and sin(angle) below would divide rounding by rounding.
        mixed = start + share * (end - start)
        return np.asarray(mixed / np.linalg.norm(mixed))
    angle = math.acos(cosine)
    return np.asarray((math.sin((1 - share) * angle) * start + math.sin(share * angle) * end) / math.sin(angle))


def rotation_matrix(quaternion: Floats) -> Floats:
    """(3, 3) of a unit quaternion, x y z w."""
    x, y, z, w = (float(value) for value in quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion(rotation: Floats) -> Floats:
    """Unit quaternion x y z w, w at least 0, of a (3, 3) rotation: the largest of the four first, for its digits."""
    trace = float(np.trace(rotation))
    squares = np.array([*(1 + 2 * np.diagonal(rotation) - trace), 1 + trace])
    largest = int(np.argmax(squares))
    r = rotation
    rows = np.array(
        [
            [squares[0], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], r[2, 1] - r[1, 2]],
            [r[0, 1] + r[1, 0], squares[1], r[1, 2] + r[2, 1], r[0, 2] - r[2, 0]],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], squares[2], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], squares[3]],
        ]
    )
    found = rows[largest] / np.linalg.norm(rows[largest])
    return np.asarray(-found if found[3] < 0 else found)


def yaw_quaternion(yaw_rad: float) -> Floats:
    """A turn about z alone."""
    return np.array([0.0, 0.0, math.sin(yaw_rad / 2), math.cos(yaw_rad / 2)])
