"""The robot's cameras: two mounted ones that look at the whole table, and one on the wrist.

Poses are `T_base_camera` of the optical frame: x right, y down, z forward.
"""

from __future__ import annotations

import mujoco
import numpy as np

from kosmos_sim.arm import ArmNames
from kosmos_sim.cameras import View, sample_view

TABLE_MIDDLE_M = np.array([0.5, 0.0, 0.0])
"""Where the robot's part of the table has its middle, base frame."""
MOUNTED = {"front": "front", "shoulder": "over_shoulder"}
"""Name of a mounted camera -> its mount in `cameras.MOUNTS`."""
CAMERAS = (*MOUNTED, "wrist")
_FOVY_DEG = (38.0, 45.0)


def add_cameras(spec: mujoco.MjSpec, rng: np.random.Generator) -> dict[str, str]:
    """Mounts the cameras where the training pictures have them. Returns name -> camera in the model."""
    for name, mount in MOUNTED.items():
        view = sample_view(rng, mount)
        _add_camera(spec, name, view, float(rng.uniform(*_FOVY_DEG)))
    return {**{name: name for name in MOUNTED}, "wrist": ArmNames().wrist_camera}


def _add_camera(spec: mujoco.MjSpec, name: str, view: View, fovy_deg: float) -> None:
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, view.rotation.ravel())
    eye = view.eye_m + TABLE_MIDDLE_M
    spec.worldbody.add_camera(name=name, pos=eye.tolist(), quat=quat.tolist(), fovy=fovy_deg)
