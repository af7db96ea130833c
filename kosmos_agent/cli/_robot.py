"""Eyes and arm on one simulated table: the loop that the demo shows and the pick rate is measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kosmos_sim.camera_source import SimCamera
from kosmos_sim.world import Tabletop
from PIL import Image

from kosmos_agent.errors import NoDepthError, NoDepthImageError, PlanningError
from kosmos_agent.results import Grounding
from kosmos_agent.robot.pick import Look, PickReport, PickStep, pick_by_phrase
from kosmos_agent.robot.planner import Phase

CAMERA = "front"


class Sight(Protocol):
    """One encoded picture (`kosmos_agent.grounder.View`)."""

    def find(self, phrase: str) -> Grounding: ...


class Eye(Protocol):
    """What looks (`kosmos_agent.grounder.Grounder`)."""

    @property
    def name(self) -> str: ...

    def view(self, image: Image.Image, *, stamp_ns: int | None = None, frame_id: str = ...) -> Sight: ...


class SimRobot:
    """picture, answer: the last ones. Sees through `Tabletop.observe` alone, with noisy depth."""

    picture: Image.Image
    answer: Grounding

    def __init__(
        self,
        world: Tabletop,
        eye: Eye,
        on_step: Callable[[PickStep, str], None] | None = None,
        on_phase: Callable[[Phase], None] | None = None,
    ) -> None:
        self.world, self._camera = world, SimCamera(world, CAMERA)
        self._eye, self._on_step, self._on_phase = eye, on_step, on_phase
        self._detail = ""

    def pick(self, phrase: str) -> PickReport:
        """Errors of `pick_by_phrase`."""
        return pick_by_phrase(
            phrase, self._see, self._ground, self.world.planner, on_step=self._done, on_phase=self._begin
        )

    def _see(self) -> Look:
        """A picture of a moment of its own, so that each look has its own depth noise."""
        shot = self._camera.newest(after_ns=self.world.stamp_ns)
        if shot.depth is None:
            raise NoDepthImageError(f"{self._camera.name} gives no depth; valid: a depth camera")
        height, width = shot.rgb.shape[:2]
        self._detail = f"{CAMERA} camera, {width} x {height}, noisy depth with holes"
        return Look(
            shot.rgb,
            shot.depth.depth_m,
            shot.depth.camera,
            shot.depth.T_base_camera,
            frame_id=shot.depth.frame_id,
            optical_frame_id=shot.frame_id,
            stamp_ns=shot.stamp_ns,
        )

    def _ground(self, look: Look, phrase: str) -> Grounding:
        self.picture = Image.fromarray(look.rgb)
        view = self._eye.view(self.picture, stamp_ns=look.stamp_ns, frame_id=look.optical_frame_id)
        self.answer = view.find(phrase)
        self._detail = answer_words(self.answer)
        return self.answer

    def _begin(self, phase: Phase) -> None:
        self._detail += f"{', ' if self._detail else ''}{phase}"
        if self._on_phase is not None:
            self._on_phase(phase)

    def _done(self, step: PickStep) -> None:
        if self._on_step is not None:
            self._on_step(step, self._detail)
        self._detail = ""


@dataclass(frozen=True)
class Course:
    """How an attempt went. status: `PickReport.status`, or the code of the error that ended it. started: the arm was
    sent out."""

    status: str
    started: bool


def attempt(world: Tabletop, eye: Eye, phrase: str) -> Course:
    """Tries to pick up what the phrase names; what cannot be seen in depth or reached is an outcome, not an error."""
    try:
        report = SimRobot(world, eye).pick(phrase)
    except (NoDepthError, PlanningError) as error:
        return Course(error.code, started=False)
    return Course(report.status, started=report.outcome is not None)


def answer_words(answer: Grounding) -> str:
    """One line for people."""
    if not answer.candidates:
        return f"{answer.status.replace('_', ' ')}, presence {answer.presence:.1%}"
    corners = " ".join(f"{value:.3f}" for value in answer.best.box.corners)
    return f"{answer.status}, {answer.best.probability:.1%}, box {corners}"
