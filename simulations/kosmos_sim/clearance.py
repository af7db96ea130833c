"""Room for the hand: which grasps would touch what stands around the target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.results import Target3D
from kosmos_sim.arm import (
    FINGER_HALF_WIDTH_M,
    FINGER_THICKNESS_M,
    HAND_HALF_THICKNESS_M,
    HAND_HALF_WIDTH_M,
    PALM_CLEARANCE_M,
    TIP_LENGTH_M,
    TIP_THICKNESS_M,
)
from kosmos_sim.grasp import Grasp
from kosmos_sim.ik import top_down

Points = NDArray[np.float64]
"""(N, 3) metres, base frame."""

_MARGIN_M = 0.004
_TARGET_MARGIN_M = 0.006
_STRAY_POINTS = 3
"""This many points in the way are taken for depth noise."""


def least_blocked(candidates: Sequence[Grasp], target: Target3D, points_m: Points) -> list[Grasp]:
    """The grasps by how many points are in the hand's way, in the given order where that is equal."""
    around = without_target(points_m, target)
    blocked = [max(0, points_in_the_way(grasp, around) - _STRAY_POINTS) for grasp in candidates]
    return [candidates[index] for index in np.argsort(blocked, kind="stable")]


def without_target(points_m: Points, target: Target3D) -> Points:
    """Leaves out the points over the target's own footprint."""
    offset = points_m[:, :2] - np.asarray(target.position_m[:2])
    cosine, sine = np.cos(target.yaw_rad), np.sin(target.yaw_rad)
    along, across = offset @ (cosine, sine), offset @ (-sine, cosine)
    half = np.asarray(target.extent_m) / 2 + _TARGET_MARGIN_M
    outside = (np.abs(along) > half[0]) | (np.abs(across) > half[1])
    return points_m[outside & (points_m[:, 2] > target.support_height_m + _MARGIN_M)]


def points_in_the_way(grasp: Grasp, points_m: Points) -> int:
    """How many points lie where the fingers and the palm come down."""
    x, y, depth = ((points_m - grasp.position_m) @ top_down(grasp.yaw_rad)).T
    above, inner = -depth, grasp.opening_m / 2
    thickness = np.where(above < TIP_LENGTH_M, TIP_THICKNESS_M, FINGER_THICKNESS_M) + _MARGIN_M
    fingers = (
        (np.abs(x) < FINGER_HALF_WIDTH_M + _MARGIN_M)
        & (np.abs(y) > inner)
        & (np.abs(y) < inner + thickness)
        & (above > -TIP_LENGTH_M)
    )
    palm = (
        (np.abs(x) < HAND_HALF_THICKNESS_M + _MARGIN_M)
        & (np.abs(y) < HAND_HALF_WIDTH_M + _MARGIN_M)
        & (above > PALM_CLEARANCE_M - _MARGIN_M)
    )
    return int(np.count_nonzero(fingers | palm))
