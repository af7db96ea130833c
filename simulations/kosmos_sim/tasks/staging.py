"""What gets in an agent's way: a first grasp that goes astray, a thing that is moved behind its back."""

from __future__ import annotations

import math
from collections.abc import Callable

import mujoco
import numpy as np

from kosmos_agent.results import Target3D
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import MotionOutcome, PhaseCallback, PlaceGoal, Planner
from kosmos_agent.skills.camera import CameraSource, Shot
from kosmos_sim.footprints import clearance
from kosmos_sim.setting import TARGET_AREA_M
from kosmos_sim.tasks.places import footprints, footprints_of, is_within
from kosmos_sim.world import Tabletop

_HAND_M = 0.075
"""Radius of what the open gripper needs around the point where it closes."""
_DIRECTIONS = 16


def grasp_shift(world: Tabletop, name: str) -> tuple[float, float] | None:
    """How to shift a grasp so that the open hand comes down beside the thing, on nothing; None where there is no
    such place."""
    own, blocked = footprints_of(world, name), footprints(world, set())
    middle = world.judge.truth(name).middle_m[:2]
    for angle in np.linspace(0.0, 2 * math.pi, _DIRECTIONS, endpoint=False):
        direction = np.array([math.cos(angle), math.sin(angle)])
        reach_m = float(max((own[:, :2] - middle) @ direction + own[:, 2]))
        shift = direction * (reach_m + _HAND_M + 0.01)
        hand = np.array([[*(middle + shift), _HAND_M]])
        if is_within(middle + shift, TARGET_AREA_M) and all(clearance(hand, other) > 0 for other in blocked):
            return float(shift[0]), float(shift[1])
    return None


def set_down(world: Tabletop, name: str, middle_m: tuple[float, float]) -> None:
    """Moves a thing that stands on the table, as it is turned, at once and at rest."""
    with world.lock:
        joint = world.model.body(name).jntadr[0]
        at, velocity = world.model.jnt_qposadr[joint], world.model.jnt_dofadr[joint]
        world.data.qpos[at : at + 2] += np.asarray(middle_m) - world.judge.truth(name).middle_m[:2]
        world.data.qvel[velocity : velocity + 6] = 0.0
        mujoco.mj_forward(world.model, world.data)


class Once:
    """Something that happens the first time it is called for, and never again. done: whether it has."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action, self.done = action, False

    def __call__(self) -> None:
        if not self.done:
            self.done = True
            self._action()


class AfterLook:
    """A `CameraSource` behind whose back something happens as soon as it has given its first picture."""

    def __init__(self, camera: CameraSource, event: Callable[[], None]) -> None:
        self._camera, self._event = camera, event

    @property
    def name(self) -> str:
        return self._camera.name

    @property
    def live(self) -> bool:
        return self._camera.live

    def newest(self, after_ns: int | None = None, timeout_s: float = 5.0) -> Shot:
        shot = self._camera.newest(after_ns, timeout_s)
        self._event()
        return shot

    def close(self) -> None:
        self._camera.close()


class _Wrapped:
    """A `Planner` that passes everything on."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    @property
    def frame_id(self) -> str:
        return self._planner.frame_id

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        return self._planner.pick(target, on_phase=on_phase, cancel=cancel)

    def place(
        self, goal: PlaceGoal, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        return self._planner.place(goal, on_phase=on_phase, cancel=cancel)


class BeforeGrasp(_Wrapped):
    """Something happens as the arm sets out."""

    def __init__(self, planner: Planner, event: Callable[[], None]) -> None:
        super().__init__(planner)
        self._event = event

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        self._event()
        return super().pick(target, on_phase=on_phase, cancel=cancel)


class Astray(_Wrapped):
    """The first grasp goes `shift_m` beside the target."""

    def __init__(self, planner: Planner, shift_m: tuple[float, float]) -> None:
        super().__init__(planner)
        self._shift_m: tuple[float, float] | None = shift_m

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        if self._shift_m is not None:
            (x, y, z), (dx, dy) = target.position_m, self._shift_m
            target = target.model_copy(update={"position_m": (x + dx, y + dy, z)})
            self._shift_m = None
        return super().pick(target, on_phase=on_phase, cancel=cancel)


class Watched(_Wrapped):
    """motions: how many began. lifted: names of all things that hung in the air after one of them."""

    def __init__(self, planner: Planner, world: Tabletop) -> None:
        super().__init__(planner)
        self.world = world
        self.motions = 0
        self.lifted: set[str] = set()

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        outcome = super().pick(target, on_phase=on_phase, cancel=cancel)
        self._look()
        return outcome

    def place(
        self, goal: PlaceGoal, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        outcome = super().place(goal, on_phase=on_phase, cancel=cancel)
        self._look()
        return outcome

    def _look(self) -> None:
        self.motions += 1
        with self.world.lock:
            self.lifted.update(self.world.judge.verdict(self.world.target.name).lifted)
