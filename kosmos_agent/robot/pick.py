"""Pick up what a phrase names, in any world: look, ground, locate, look again, move.

The world comes in as callables, so the same logic drives a simulation, a ROS robot and a test.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from kosmos_agent.errors import InvalidArgumentError, NoDepthError
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.locate import locate
from kosmos_agent.robot.planner import MotionOutcome, PhaseCallback, Planner
from kosmos_agent.robot.relations import check_in_metres

PickStatus = Literal["picked", "not_picked", "not_found", "ambiguous", "cannot_tell", "moving"]
StepName = Literal["look", "ground", "locate", "pick"]


@dataclass(frozen=True)
class Look:
    """One moment of one camera.

    rgb: (H, W, 3) uint8. depth_m: metres along the optical axis, registered to rgb; it may be smaller, and `camera`
    is that of the depth picture. T_base_camera: optical frame (`optical_frame_id`) to `frame_id` (z up).
    stamp_ns: when it was taken.
    """

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.floating]
    camera: Camera
    T_base_camera: NDArray[np.floating]
    frame_id: str = "base"
    optical_frame_id: str = "camera_optical_frame"
    stamp_ns: int | None = None


Ground = Callable[[Look, str], Grounding]
"""The eyes: where is the phrase in this look? The answer carries the look's stamp and frame."""


class PickStep(BaseModel):
    """One stage and how long it took, wall clock. `look` counts the looks from 1."""

    model_config = ConfigDict(frozen=True)

    name: StepName
    look: int
    duration_ms: float


class PickReport(BaseModel):
    """How it went. Without `outcome` nothing was moved.

    status: `picked` and `not_picked` after a motion; `not_found`, `ambiguous` and `cannot_tell` as the last answer
    was; `moving`: the thing was somewhere else at each look. target: the last one made.
    """

    model_config = ConfigDict(frozen=True)

    phrase: str
    status: PickStatus
    message: str
    answer: Grounding
    target: Target3D | None
    outcome: MotionOutcome | None
    steps: tuple[PickStep, ...]

    @property
    def picked(self) -> bool:
        return self.status == "picked"


@dataclass
class _Run:
    phrase: str
    cancel: CancelToken | None
    on_step: Callable[[PickStep], None] | None
    looks: int = 0
    no_depth: NoDepthError | None = None
    steps: list[PickStep] = field(default_factory=list)

    @contextmanager
    def step(self, name: StepName) -> Iterator[None]:
        """Times a stage; CancelledError before it begins, once cancelled."""
        if self.cancel is not None:
            self.cancel.raise_if_cancelled()
        start = time.perf_counter()
        yield
        done = PickStep(name=name, look=self.looks, duration_ms=1000 * (time.perf_counter() - start))
        self.steps.append(done)
        if self.on_step is not None:
            self.on_step(done)

    def report(
        self,
        status: PickStatus,
        message: str,
        answer: Grounding,
        target: Target3D | None = None,
        outcome: MotionOutcome | None = None,
    ) -> PickReport:
        return PickReport(
            phrase=self.phrase,
            status=status,
            message=message,
            answer=answer,
            target=target,
            outcome=outcome,
            steps=tuple(self.steps),
        )


def pick_by_phrase(
    phrase: str,
    see: Callable[[], Look],
    ground: Ground,
    planner: Planner,
    *,
    max_looks: int = 3,
    settled_m: float = 0.02,
    on_step: Callable[[PickStep], None] | None = None,
    on_phase: PhaseCallback | None = None,
    cancel: CancelToken | None = None,
) -> PickReport:
    """Moves only when the phrase is found and two looks in a row agree on where it is.

    see: a fresh picture, taken after the call; it raises what it must when there is none.
    max_looks: 1 trusts a single look; otherwise one more is taken until two agree within `settled_m`. A look without
    depth on the thing is a look that does not agree; NoDepthError when the last one is.
    Errors of looking and planning (bad camera, out of reach) and CancelledError pass through.
    """
    if max_looks < 1 or settled_m <= 0:
        raise InvalidArgumentError(f"max_looks {max_looks}, settled_m {settled_m}; valid: at least 1, above 0")
    run = _Run(phrase, cancel, on_step)
    answer, target = _look(run, see, ground)
    settled = max_looks == 1
    while answer.status == "found" and not settled and run.looks < max_looks:
        before = target
        answer, target = _look(run, see, ground)
        settled = before is not None and target is not None and _distance_m(before, target) <= settled_m
    if answer.status == "found" and target is None and run.no_depth is not None:
        raise run.no_depth
    if answer.status != "found":
        return run.report(answer.status, _unfound_message(answer), answer)
    if target is None or not settled:
        message = f"{phrase!r} was never twice within {1e3 * settled_m:.0f} mm in {run.looks} looks; nothing was moved"
        return run.report("moving", message, answer, target)
    with run.step("pick"):
        outcome = planner.pick(target, on_phase=on_phase, cancel=cancel)
    return run.report("picked" if outcome.succeeded else "not_picked", outcome.message, answer, target, outcome)


def _look(run: _Run, see: Callable[[], Look], ground: Ground) -> tuple[Grounding, Target3D | None]:
    run.looks += 1
    with run.step("look"):
        look = see()
    with run.step("ground"):
        answer = ground(look, run.phrase)
    if answer.status != "found":
        return answer, None
    with run.step("locate"):
        target = _locate(run, answer, look)
        if target is not None:
            answer = check_in_metres(answer, look.depth_m, look.camera, look.T_base_camera)
    return answer, target if answer.status == "found" else None


def _locate(run: _Run, answer: Grounding, look: Look) -> Target3D | None:
    """None where the thing has no depth in this look: holes move from frame to frame."""
    try:
        return locate(answer, look.depth_m, look.camera, look.T_base_camera, frame_id=look.frame_id)
    except NoDepthError as error:
        run.no_depth = error
        return None


def _distance_m(first: Target3D, second: Target3D) -> float:
    return float(np.linalg.norm(np.subtract(first.position_m, second.position_m)))


def _unfound_message(answer: Grounding) -> str:
    if answer.status == "ambiguous":
        question = answer.question or "say which one"
        return f"{len(answer.candidates)} things fit {answer.phrase!r}; {question}; nothing was moved"
    failed = [clause.words for clause in answer.clauses if clause.state == "fails"]
    if failed:
        return f"what looks most like {answer.phrase!r} is not {' and not '.join(failed)}; nothing was moved"
    return f"{answer.phrase!r} was {answer.status.replace('_', ' ')}; nothing was moved"
