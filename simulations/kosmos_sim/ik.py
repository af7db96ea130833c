"""Inverse kinematics of the arm by damped least squares, with a pull towards a comfortable posture.

Positions and rotations are of the grip point in the world frame, which is the base frame for an arm at the origin.
Grip frame: x along the fingers' width, y along their stroke, z out of the palm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.arm import JOINT_RANGES_RAD, JOINTS, READY_Q, ArmNames

Array = NDArray[np.float64]

_LIMIT_MARGIN_RAD = 0.01
_STEP_LIMIT_RAD = 0.4
_PATIENCE = 12
"""Steps without getting nearer after which the goal counts as out of reach."""


@dataclass(frozen=True)
class IkResult:
    """Joint angles (7,) and how far the grip point stays from what was asked."""

    q: Array
    position_error_m: float
    angle_error_rad: float

    def within(self, position_m: float = 1e-3, angle_rad: float = 1e-2) -> bool:
        return self.position_error_m <= position_m and self.angle_error_rad <= angle_rad


def top_down(yaw_rad: float) -> Array:
    """(3, 3) grip rotation with the palm down; the fingers' width lies along `yaw_rad`, they close across it."""
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    return np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])


class ArmKinematics:
    """Forward and inverse kinematics on a private copy of the state: never disturbs the simulation."""

    def __init__(self, model: mujoco.MjModel, names: ArmNames | None = None) -> None:
        names = names or ArmNames()
        self._model = model
        self._data = mujoco.MjData(model)
        joints = [model.joint(name) for name in names.joints]
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dofs = np.array([joint.dofadr[0] for joint in joints])
        self._site = model.site(names.grip_site).id

    def forward(self, q: Array) -> tuple[Array, Array]:
        """Position (3,) in metres and rotation (3, 3) of the grip point."""
        self._data.qpos[self._qpos] = q
        mujoco.mj_kinematics(self._model, self._data)
        return self._data.site_xpos[self._site].copy(), self._data.site_xmat[self._site].reshape(3, 3).copy()

    def solve(
        self, position_m: Array, rotation: Array, q_start: Array, iterations: int = 100, damping: float = 0.02
    ) -> IkResult:
        """Best effort from `q_start`, inside the joint limits; ask `IkResult.within` whether it got there."""
        q = np.array(q_start, dtype=np.float64)
        lower, upper = JOINT_RANGES_RAD[:, 0] + _LIMIT_MARGIN_RAD, JOINT_RANGES_RAD[:, 1] - _LIMIT_MARGIN_RAD
        best, since = IkResult(q, math.inf, math.inf), 0
        for _ in range(iterations):
            error = self._error(q, position_m, rotation)
            result = IkResult(q, float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:])))
            since = 0 if _cost(result) < 0.98 * _cost(best) else since + 1
            if _cost(result) < _cost(best):
                best = result
            if result.within(2e-4, 2e-3) or since > _PATIENCE:
                break
            q = np.clip(q + self._step(error, q, damping), lower, upper)
        return best

    def _error(self, q: Array, position_m: Array, rotation: Array) -> Array:
        """(6,) position error in metres and rotation error in radians, world axes."""
        position, current = self.forward(q)
        turn = rotation @ current.T
        skew = (turn - turn.T) / 2
        return np.concatenate([position_m - position, [skew[2, 1], skew[0, 2], skew[1, 0]]])

    def _step(self, error: Array, q: Array, damping: float) -> Array:
        """Joint step: damped pseudo-inverse of the error, posture pull in the null space."""
        mujoco.mj_comPos(self._model, self._data)
        jacobian = np.zeros((6, self._model.nv))
        mujoco.mj_jacSite(self._model, self._data, jacobian[:3], jacobian[3:], self._site)
        A = jacobian[:, self._dofs]
        inverse = A.T @ np.linalg.inv(A @ A.T + damping**2 * np.eye(6))
        step = inverse @ error + (np.eye(JOINTS) - inverse @ A) @ (0.05 * (READY_Q - q))
        largest = float(np.abs(step).max())
        return step * min(1.0, _STEP_LIMIT_RAD / largest) if largest > 0 else step


def _cost(result: IkResult) -> float:
    return result.position_error_m + 0.1 * result.angle_error_rad
