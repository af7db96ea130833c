"""The closed loop: see, find, locate, pick, and let the simulator judge. No oracle box is anywhere on that path."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.lexicon import COLOURS
from kosmos_sim.setting import Target
from kosmos_sim.world import Tabletop
from numpy.typing import NDArray
from PIL import Image

from kosmos_agent.cli._film import Film
from kosmos_agent.drawing import annotate, film_frame
from kosmos_agent.errors import InvalidArgumentError, NoDepthError, PlanningError
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.pick import Look, PickReport, PickStep, pick_by_phrase
from kosmos_agent.robot.planner import MotionOutcome, Phase

CAMERA = "front"
_BETWEEN_LOOKS_S = 0.1
_VERB = re.compile(r"^(?:please\s+)?(?:pick\s+up|pick|grab|grasp|take|get|lift|fetch|give\s+me|bring\s+me)\s+", re.I)


class Sight(Protocol):
    """One encoded picture (`kosmos_agent.grounder.View`)."""

    def find(self, phrase: str) -> Grounding: ...


class Eye(Protocol):
    """What looks (`kosmos_agent.grounder.Grounder`)."""

    @property
    def name(self) -> str: ...

    def view(self, image: Image.Image, *, stamp_ns: int | None = None, frame_id: str = ...) -> Sight: ...


@dataclass(frozen=True)
class Step:
    """One stage as it happened: wall time and what came of it."""

    name: str
    milliseconds: float
    detail: str = ""


@dataclass
class Run:
    """What happened. picked, oracle_picked: the simulator's verdicts. reason: why nothing was picked, else empty."""

    instruction: str
    phrase: str
    seed: int
    steps: list[Step] = field(default_factory=list)
    answer: Grounding | None = None
    target: Target3D | None = None
    outcome: MotionOutcome | None = None
    picked: bool = False
    oracle_picked: bool = False
    reason: str = ""
    files: list[str] = field(default_factory=list)


@dataclass
class _Note:
    detail: str = ""


class Demo:
    """One run on the table that `seed` lays. load: gives the model. report: called with each step as it ends."""

    def __init__(self, load: Callable[[], Eye], instruction: str, seed: int, report: Callable[[Step], None]) -> None:
        self._load, self._report = load, report
        phrase = phrase_of(instruction)
        self._wanted = wanted_thing(phrase)
        self.run = Run(instruction, phrase, seed)

    def play(self, out: Path) -> Run:
        """Runs everything and writes before.png, after.png, film.webp and strip.png into `out`."""
        with self._step("model") as note:
            eye = self._load()
            note.detail = eye.name
        with self._step("world") as note:
            world = Tabletop.random(self.run.seed, self._wanted)
            note.detail = f"seed {self.run.seed}, {len(world.items)} things, cameras {', '.join(world.cameras)}"
        with world:
            film = Film(world, CAMERA)
            robot = _Robot(world, eye, film, self._add)
            self._pick(robot)
            self._show(robot, out)
        with self._step("oracle") as note:
            self.run.oracle_picked = oracle_picks(self.run.seed, self._wanted)
            note.detail = f"the same table, told the true place: picked {str(self.run.oracle_picked).lower()}"
        return self.run

    def _pick(self, robot: _Robot) -> None:
        try:
            report = robot.pick(self.run.phrase)
        except (NoDepthError, PlanningError) as error:
            self.run.reason = str(error)
        else:
            self.run.target, self.run.outcome = report.target, report.outcome
            self.run.reason = "" if report.picked else report.message
        self.run.answer = robot.answer
        self.run.picked = robot.world.judge.verdict(robot.world.target.name).picked

    def _show(self, robot: _Robot, out: Path) -> None:
        with self._step("pictures") as note:
            after = Image.fromarray(robot.world.observe(CAMERA).rgb)
            self._save(annotate(robot.picture, robot.answer), out / "before.png")
            self._save(film_frame(after, f"picked: {str(self.run.picked).lower()}"), out / "after.png")
            self.run.files += robot.film.write(out, robot.picture, robot.answer, after, self.run.picked)
            note.detail = str(out)

    def _save(self, picture: Image.Image, path: Path) -> None:
        picture.save(path)
        self.run.files.append(str(path))

    def _add(self, step: Step) -> None:
        self.run.steps.append(step)
        self._report(step)

    @contextmanager
    def _step(self, name: str) -> Iterator[_Note]:
        note, start = _Note(), time.perf_counter()
        yield note
        self._add(Step(name, 1000 * (time.perf_counter() - start), note.detail))


class _Robot:
    """Eyes and arm on one table. picture, answer: the last ones."""

    picture: Image.Image
    answer: Grounding

    def __init__(self, world: Tabletop, eye: Eye, film: Film, report: Callable[[Step], None]) -> None:
        self.world, self.film = world, film
        self._eye, self._report = eye, report
        self._stamp_ns = 0
        self._detail = ""

    def pick(self, phrase: str) -> PickReport:
        """Errors of `pick_by_phrase`."""
        with self.film.rolling():
            return pick_by_phrase(
                phrase, self._see, self._ground, self.world.planner, on_step=self._done, on_phase=self._begin
            )

    def _see(self) -> Look:
        self.world.driver.hold(_BETWEEN_LOOKS_S)
        seen = self.world.observe(CAMERA)
        self._stamp_ns = seen.stamp_ns
        height, width = seen.rgb.shape[:2]
        self._detail = f"{CAMERA} camera, {width} x {height}, noisy depth with holes"
        return Look(seen.rgb, seen.depth_m, Camera.from_matrix(seen.intrinsics, width, height), seen.T_base_camera)

    def _ground(self, rgb: NDArray[np.uint8], phrase: str) -> Grounding:
        self.picture = Image.fromarray(rgb)
        view = self._eye.view(self.picture, stamp_ns=self._stamp_ns, frame_id=f"{CAMERA}_optical_frame")
        self.answer = view.find(phrase)
        self._detail = _answer_words(self.answer)
        return self.answer

    def _begin(self, phase: Phase) -> None:
        self.film.begin(phase)
        self._detail += f"{', ' if self._detail else ''}{phase}"

    def _done(self, step: PickStep) -> None:
        name = step.name if step.name == "pick" else f"{step.name} {step.look}"
        self._report(Step(name, step.duration_ms, self._detail))
        self._detail = ""


def phrase_of(instruction: str) -> str:
    """What is to be picked up: "pick up the red cup" -> "the red cup"."""
    return _VERB.sub("", " ".join(instruction.split())).rstrip(".!")


def wanted_thing(phrase: str) -> Target:
    """Category and colour word that the table must hold once, for the phrase to make sense on it."""
    words = re.findall(r"[a-z]+", phrase.lower().replace("grey", "gray"))
    heads = [index for index, word in enumerate(words) if word in GRASPABLE]
    if not heads:
        raise InvalidArgumentError(f"{phrase!r} names nothing that the arm can hold; valid: {', '.join(GRASPABLE)}")
    colours = [word for word in words[: heads[0]] if word in COLOURS]
    return words[heads[0]], colours[-1] if colours else None


def oracle_picks(seed: int, wanted: Target) -> bool:
    """Whether the arm picks the thing up on the same table when it is told where it truly is."""
    with Tabletop.random(seed, wanted) as world:
        try:
            world.planner.pick(world.truth()[0].as_target())
        except PlanningError:
            return False
        return world.judge.verdict(world.target.name).picked


def _answer_words(answer: Grounding) -> str:
    if not answer.candidates:
        return f"{answer.status.replace('_', ' ')}, presence {answer.presence:.1%}"
    corners = " ".join(f"{value:.3f}" for value in answer.best.box.corners)
    return f"{answer.status}, {answer.best.probability:.1%}, box {corners}"
