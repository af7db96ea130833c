"""What an arm promises. The simulated arm, a MoveIt client or a real driver implements `Planner`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from kosmos_agent.results import Target3D, Vector3
from kosmos_agent.robot.cancel import CancelToken

Phase = Literal["approach", "descend", "grasp", "lift", "transfer", "lower", "release", "retreat"]
PhaseCallback = Callable[[Phase], None]
"""Called on the planner's own thread as each phase begins; it must return quickly."""

MotionReason = Literal["done", "nothing_held", "slipped", "blocked", "timeout", "cancelled"]

PICK_PHASES: tuple[Phase, ...] = ("approach", "descend", "grasp", "lift")
PLACE_PHASES: tuple[Phase, ...] = ("transfer", "lower", "release", "retreat")


class MotionOutcome(BaseModel):
    """How a motion ended. Not holding the thing in the end is an outcome, never an exception.

    phase: the last phase begun. duration_s: on the arm's own clock (simulated seconds in a simulation).
    reason: `done` exactly when it succeeded; `nothing_held`: the fingers closed on nothing; `slipped`: held,
    then lost; `blocked`: the arm met something it should not have; `timeout`: a phase ran past its limit;
    `cancelled`: stopped midway, and the arm stands still where it was.
    """

    model_config = ConfigDict(frozen=True)

    succeeded: bool
    phase: Phase
    reason: MotionReason
    message: str
    duration_s: float = Field(ge=0.0)


class PlaceGoal(BaseModel):
    """Where the middle of the held thing's underside shall rest, in metres in `frame_id`.

    yaw_rad: turn of the held thing about the frame's z, relative to how it was grasped; None: any.
    """

    model_config = ConfigDict(frozen=True)

    frame_id: str
    position_m: Vector3
    yaw_rad: float | None = None

    @classmethod
    def on(cls, target: Target3D) -> PlaceGoal:
        """On the middle of the top of `target`."""
        x, y, z = target.position_m
        return cls(frame_id=target.frame_id, position_m=(x, y, z + target.size_m[2] / 2))

    @classmethod
    def beside(cls, target: Target3D, offset_m: tuple[float, float]) -> PlaceGoal:
        """On what `target` stands on, `offset_m` away from it along x and y of its frame."""
        x, y, _ = target.position_m
        position_m = (x + offset_m[0], y + offset_m[1], target.support_height_m)
        return cls(frame_id=target.frame_id, position_m=position_m)


@runtime_checkable
class Planner(Protocol):
    """Blocking motions, one at a time; call them off the thread that must answer a cancel.

    PlanningError, before anything moves: the goal is in another frame than `frame_id`, out of reach, too wide
    for the gripper, or (place) nothing is held. CancelledError: cancelled before anything moved. Once the arm
    has moved, every ending, a cancel too, is a MotionOutcome. `cancel` is heeded within 0.1 s of its own clock.
    """

    @property
    def frame_id(self) -> str:
        """The frame that goals must be given in, for example `base`."""
        ...

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        """Grasp and lift; succeeds only if the thing is held at the end (measured, not assumed)."""
        ...

    def place(
        self, goal: PlaceGoal, *, on_phase: PhaseCallback | None = None, cancel: CancelToken | None = None
    ) -> MotionOutcome:
        """Carry what is held to `goal` and let go of it there."""
        ...
