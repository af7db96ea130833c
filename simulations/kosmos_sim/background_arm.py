"""A robot arm that merely stands in the picture: it is never named, and it may hide things."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.arm import HOME_Q, MAX_OPENING_M, READY_Q, add_arm, set_arm

BASE_M = (-0.45, 0.0, 0.0)
BASE_RADIUS_M = 0.12
_CLEAR_OF_TABLE_M = 0.17
_CLEAR_OF_CAMERA_M = 0.3
_ATTEMPTS = 8


def add_background_arm(spec: mujoco.MjSpec) -> None:
    """For `compile_scene(..., extras=add_background_arm)`."""
    add_arm(spec, position_m=BASE_M)


def pose_background_arm(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    geoms: NDArray[np.int32],
    eye_m: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """A random pose above the objects; the arm goes out of sight where it would stand in the camera."""
    for attempt in range(_ATTEMPTS + 1):
        q = HOME_Q
        if attempt < _ATTEMPTS:
            q = HOME_Q + rng.uniform(0, 1) * (READY_Q - HOME_Q) + rng.normal(0, 0.25, len(HOME_Q))
        set_arm(model, data, q, rng.uniform(0, MAX_OPENING_M))
        mujoco.mj_kinematics(model, data)
        centres = data.geom_xpos[geoms]
        away_from_base = np.hypot(centres[:, 0] - BASE_M[0], centres[:, 1]) > BASE_RADIUS_M
        if np.all(centres[away_from_base, 2] > _CLEAR_OF_TABLE_M):
            break
    near = np.linalg.norm(centres - eye_m, axis=1).min() < _CLEAR_OF_CAMERA_M
    model.geom_rgba[geoms, 3] = 0.0 if near else 1.0
