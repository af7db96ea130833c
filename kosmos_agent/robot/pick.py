"""Pick up what a phrase names, in any world: look, ground, locate, look again, move.

The world comes in as callables, so the same logic drives a simulation, a ROS robot and a test. It may hand over
pictures, which are grounded and located here (`pick_by_phrase`), or what was found and where (`pick_by_sight`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError, NoDepthError
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.locate import locate
from kosmos_agent.robot.planner import MotionOutcome, PhaseCallback, Planner
from kosmos_agent.robot.relations import check_in_metres

PickStatus = Literal[
    "picked", "not_picked", "not_found", "ambiguous", "cannot_tell", "moving", "lost", "handed_over"
]  # fmt: skip
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


@dataclass(frozen=True)
class Sighting:
    """What one look came to. target: the thing meant, in the planner's frame. error: why there is none although
    something was found."""

    answer: Grounding
    target: Target3D | None = None
    error: KosmosAgentError | None = None


Begin = Callable[[StepName], None]
Sight = Callable[[Begin], Sighting]
"""Eyes that ground and locate by themselves, on a fresh picture, taken after the call. They tell `begin` each stage as
it begins, in the order of StepName; it raises CancelledError once cancelled."""


class PickStep(BaseModel):
    """One stage and how long it took, wall clock. `look` counts the looks from 1."""

    model_config = ConfigDict(frozen=True)

    name: StepName
    look: int
    duration_ms: float


class PickReport(BaseModel):
    """How it went. Without `outcome` nothing was moved.

    status: `picked` and `not_picked` after a motion; `not_found`, `ambiguous` and `cannot_tell` as the last answer
    was; `moving`: the thing was somewhere else at each look; `lost`: it was gone when the arm was about to move;
    `handed_over`: it stands still, and moving is another's part. target: the last one made.
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
    steps: list[PickStep] = field(default_factory=list)
    _running: tuple[StepName, float] | None = None

    def begin(self, name: StepName) -> None:
        """Ends the stage before. CancelledError before it begins, once cancelled."""
        self.end()
        if self.cancel is not None:
            self.cancel.raise_if_cancelled()
        self._running = name, time.perf_counter()

    def end(self) -> None:
        if self._running is None:
            return
        (name, start_s), self._running = self._running, None
        done = PickStep(name=name, look=self.looks, duration_ms=1000 * (time.perf_counter() - start_s))
        self.steps.append(done)
        if self.on_step is not None:
            self.on_step(done)

    def sighted(self, sight: Sight) -> Sighting:
        self.looks += 1
        seen = sight(self.begin)
        self.end()
        return seen

    def report(
        self, status: PickStatus, message: str, seen: Sighting, outcome: MotionOutcome | None = None
    ) -> PickReport:
        return PickReport(
            phrase=self.phrase,
            status=status,
            message=message,
            answer=seen.answer,
            target=seen.target,
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
    recheck_m: float | None = None,
    on_step: Callable[[PickStep], None] | None = None,
    on_phase: PhaseCallback | None = None,
    cancel: CancelToken | None = None,
) -> PickReport:
    """`pick_by_sight` with eyes made of a camera and a grounder.

    see: a fresh picture, taken after the call; it raises what it must when there is none. A look without depth on the
    thing is a look that does not agree; NoDepthError when the last one is.
    """
    return pick_by_sight(
        phrase,
        lambda begin: _sighting(see, ground, phrase, begin),
        planner,
        max_looks=max_looks,
        settled_m=settled_m,
        recheck_m=recheck_m,
        on_step=on_step,
        on_phase=on_phase,
        cancel=cancel,
    )


def pick_by_sight(
    phrase: str,
    sight: Sight,
    planner: Planner | None,
    *,
    max_looks: int = 3,
    settled_m: float = 0.02,
    recheck_m: float | None = None,
    on_step: Callable[[PickStep], None] | None = None,
    on_phase: PhaseCallback | None = None,
    on_target: Callable[[Target3D], None] | None = None,
    cancel: CancelToken | None = None,
) -> PickReport:
    """Moves only when the thing is found and two looks in a row agree on where it is.

    planner: None ends with `handed_over` where a planner would move. max_looks: 1 trusts a single look; otherwise one
    more is taken until two agree within `settled_m`. recheck_m: then one last look, just before the motion, must find
    the thing within this of where it was, and the motion goes where that look saw it; None: no such look.
    on_target: told where the motion will go, before it begins.
    Errors of looking and planning (bad camera, out of reach) and CancelledError pass through; a sighting's own error
    is raised when the last look has one.
    """
    if max_looks < 1 or settled_m <= 0 or (recheck_m is not None and recheck_m <= 0):
        valid = "at least 1, above 0, above 0 or None"
        raise InvalidArgumentError(
            f"max_looks {max_looks}, settled_m {settled_m}, recheck_m {recheck_m}; valid: {valid}"
        )
    run = _Run(phrase, cancel, on_step)
    seen, target = _settle(run, sight, max_looks, settled_m)
    if target is None:
        return _unsettled(run, seen, settled_m)
    if recheck_m is not None:
        before, seen = target, run.sighted(sight)
        target = seen.target
        if target is None or not _distance_m(before, target) <= recheck_m:
            return _gone(run, seen, before, recheck_m)
    if cancel is not None:
        cancel.raise_if_cancelled()
    if on_target is not None:
        on_target(target)
    if planner is None:
        return run.report("handed_over", f"{phrase!r} stands still and is handed over; nothing was moved", seen)
    run.begin("pick")
    outcome = planner.pick(target, on_phase=on_phase, cancel=cancel)
    run.end()
    return run.report("picked" if outcome.succeeded else "not_picked", outcome.message, seen, outcome)


def _settle(run: _Run, sight: Sight, max_looks: int, settled_m: float) -> tuple[Sighting, Target3D | None]:
    """The last sighting, and where the thing stands still, if it does."""
    seen = run.sighted(sight)
    if max_looks == 1:
        return seen, seen.target
    while (seen.target is not None or seen.error is not None) and run.looks < max_looks:
        before, seen = seen.target, run.sighted(sight)
        if before is not None and seen.target is not None and _distance_m(before, seen.target) <= settled_m:
            return seen, seen.target
    return seen, None


def _unsettled(run: _Run, seen: Sighting, settled_m: float) -> PickReport:
    if seen.error is not None:
        raise seen.error
    if seen.target is None:
        return run.report(_unfound(seen.answer), _unfound_message(seen.answer), seen)
    message = f"{run.phrase!r} was never twice within {1e3 * settled_m:.0f} mm in {run.looks} looks; nothing was moved"
    return run.report("moving", message, seen)


def _gone(run: _Run, seen: Sighting, before: Target3D, recheck_m: float) -> PickReport:
    """Settled, and not where it was when the arm was about to move."""
    if seen.error is not None:
        raise seen.error
    if seen.target is not None:
        moved_mm, valid_mm = 1e3 * _distance_m(before, seen.target), 1e3 * recheck_m
        message = f"{run.phrase!r} moved by {moved_mm:.0f} mm before the arm did, valid: {valid_mm:.0f}"
        return run.report("moving", f"{message}; nothing was moved", seen)
    if seen.answer.status == "ambiguous":
        return run.report("ambiguous", _unfound_message(seen.answer), seen)
    return run.report("lost", f"gone just before the motion: {_unfound_message(seen.answer)}", seen)


def _sighting(see: Callable[[], Look], ground: Ground, phrase: str, begin: Begin) -> Sighting:
    begin("look")
    look = see()
    begin("ground")
    answer = ground(look, phrase)
    if answer.status != "found":
        return Sighting(answer)
    begin("locate")
    try:
        target = locate(answer, look.depth_m, look.camera, look.T_base_camera, frame_id=look.frame_id)
    except NoDepthError as error:
        # Holes move from frame to frame: the next look may do better.
        return Sighting(answer, error=error)
    answer = check_in_metres(answer, look.depth_m, look.camera, look.T_base_camera)
    return Sighting(answer, target if answer.status == "found" else None)


def _distance_m(first: Target3D, second: Target3D) -> float:
    return float(np.linalg.norm(np.subtract(first.position_m, second.position_m)))


def _unfound(answer: Grounding) -> PickStatus:
    if answer.status == "found":
        raise InvalidArgumentError("a sighting found the thing and holds neither a target nor an error; valid: one")
    return answer.status


def _unfound_message(answer: Grounding) -> str:
    if answer.status == "ambiguous":
        question = answer.question or "say which one"
        return f"{len(answer.candidates)} things fit {answer.phrase!r}; {question}; nothing was moved"
    failed = [clause.words for clause in answer.clauses if clause.state == "fails"]
    if failed:
        return f"what looks most like {answer.phrase!r} is not {' and not '.join(failed)}; nothing was moved"
    if answer.called is not None:
        return f"what was taken for {answer.phrase!r} looks like {answer.called!r} by itself; nothing was moved"
    return f"{answer.phrase!r} was {answer.status.replace('_', ' ')}; nothing was moved"
