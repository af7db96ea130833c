"""Moves the arm through the simulation one control step at a time; a cancel or an obstacle stops it in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import MotionReason
from kosmos_sim.arm import MAX_OPENING_M, ArmNames

Array = NDArray[np.float64]
StepHook = Callable[[], None]
"""Called after every control step, on the thread that moves the arm."""

CONTROL_PERIOD_S = 0.02
_BLOCKED_LAG_RAD = 0.15
_BLOCKED_STEPS = 8
_CLOSED_CTRL_M = -0.01


class MotionStoppedError(Exception):
    """Internal to the planner: the motion ended early and the arm holds still. `reason` says why."""

    def __init__(self, reason: MotionReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ArmDriver:
    """Plays joint paths on the position servos of one arm.

    hooks: called after every control step. cancel: looked at before every control step.
    lock: held while the state changes, so that others may read it between two control steps.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        names: ArmNames | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        names = names or ArmNames()
        self._lock = lock or nullcontext()
        self.model, self.data = model, data
        self.hooks: list[StepHook] = []
        self.cancel: CancelToken | None = None
        self._qpos = np.array([model.joint(name).qposadr[0] for name in names.joints])
        self._ctrl = np.array([model.actuator(name).id for name in names.joints])
        self._fingers = np.array([model.joint(name).qposadr[0] for name in names.fingers])
        self._gripper = model.actuator(names.gripper).id
        self._site = model.site(names.grip_site).id
        self._substeps = max(1, round(CONTROL_PERIOD_S / model.opt.timestep))
        self._lagging = 0

    @property
    def q(self) -> Array:
        """Measured joint angles, (7,)."""
        return self.data.qpos[self._qpos].copy()

    @property
    def q_goal(self) -> Array:
        """Where the servos are told to be, (7,)."""
        return self.data.ctrl[self._ctrl].copy()

    @property
    def grip_position_m(self) -> Array:
        return self.data.site_xpos[self._site].copy()

    @property
    def opening_m(self) -> float:
        """Measured distance between the pads."""
        return float(self.data.qpos[self._fingers].sum())

    @property
    def time_s(self) -> float:
        return float(self.data.time)

    def step(self) -> None:
        """One control step; MotionStoppedError when cancelled or when the arm lags far behind its goal."""
        if self.cancel is not None and self.cancel.cancelled:
            self.freeze()
            raise MotionStoppedError("cancelled", f"stopped: {self.cancel.reason}")
        with self._lock:
            mujoco.mj_step(self.model, self.data, self._substeps)
        for hook in self.hooks:
            hook()
        self._check_lag()

    def _check_lag(self) -> None:
        lag = float(np.abs(self.q_goal - self.q).max())
        self._lagging = self._lagging + 1 if lag > _BLOCKED_LAG_RAD else 0
        if self._lagging >= _BLOCKED_STEPS:
            self._lagging = 0
            self.freeze()
            raise MotionStoppedError("blocked", f"a joint lags {lag:.2f} rad behind its goal; something is in the way")

    def freeze(self) -> None:
        """Makes where the arm is its goal; the gripper keeps its force."""
        self.data.ctrl[self._ctrl] = self.q

    def hold(self, seconds: float) -> None:
        for _ in range(_steps(seconds)):
            self.step()

    def follow(self, path: Sequence[Array], seconds: float) -> None:
        """Minimum-jerk motion along joint waypoints (7,) each, from where the servos are told to be now."""
        points = np.vstack([self.q_goal, *path])
        lengths = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(points, axis=0)).max(axis=1) + 1e-9)])
        count = _steps(seconds)
        for index in range(count):
            along = minimum_jerk((index + 1) / count) * lengths[-1]
            self.data.ctrl[self._ctrl] = [np.interp(along, lengths, column) for column in points.T]
            self.step()

    def open(self, opening_m: float = MAX_OPENING_M, seconds: float = 0.3) -> None:
        """Starts opening (or closing) to a distance between the pads and waits."""
        self.data.ctrl[self._gripper] = min(opening_m, MAX_OPENING_M) / 2
        self.hold(seconds)

    def close(self, seconds: float = 0.6) -> None:
        """Squeezes with the full grip force."""
        self.data.ctrl[self._gripper] = _CLOSED_CTRL_M
        self.hold(seconds)


def minimum_jerk(share: float) -> float:
    """Path share in [0, 1] at a time share in [0, 1]; speed and acceleration vanish at both ends."""
    return share**3 * (10 - 15 * share + 6 * share * share)


def _steps(seconds: float) -> int:
    return max(1, round(seconds / CONTROL_PERIOD_S))
