"""The closed loop: see, find, locate, pick, and let the simulator judge. No oracle box is anywhere on that path."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.lexicon import COLOURS
from kosmos_sim.setting import Target
from kosmos_sim.world import Observation, Tabletop
from PIL import Image

from kosmos_agent.cli._film import Film
from kosmos_agent.drawing import annotate, film_frame
from kosmos_agent.errors import InvalidArgumentError, NoDepthError, PlanningError
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.locate import locate
from kosmos_agent.robot.planner import MotionOutcome, Phase

CAMERA = "front"
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
    detail: str


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
            self._play(eye, world, out)
        with self._step("oracle") as note:
            self.run.oracle_picked = oracle_picks(self.run.seed, self._wanted)
            note.detail = f"the same table, told the true place: picked {str(self.run.oracle_picked).lower()}"
        return self.run

    def _play(self, eye: Eye, world: Tabletop, out: Path) -> None:
        with self._step("look") as note:
            seen = world.observe(CAMERA)
            note.detail = f"{CAMERA} camera, {seen.rgb.shape[1]} x {seen.rgb.shape[0]}, noisy depth with holes"
        before = Image.fromarray(seen.rgb)
        answer = self._find(eye, before, seen)
        self._save(annotate(before, answer), out / "before.png")
        film = Film(world, CAMERA)
        film.still(before, answer)
        target = self._locate(answer, seen)
        if target is not None:
            self._pick(world, target, film)
        self.run.picked = world.judge.verdict(world.target.name).picked
        after = Image.fromarray(world.observe(CAMERA).rgb)
        self._save(film_frame(after, f"picked: {str(self.run.picked).lower()}"), out / "after.png")
        self.run.files += film.write(out, after, self.run.picked)

    def _find(self, eye: Eye, picture: Image.Image, seen: Observation) -> Grounding:
        with self._step("find") as note:
            view = eye.view(picture, stamp_ns=seen.stamp_ns, frame_id=f"{CAMERA}_optical_frame")
            answer = self.run.answer = view.find(self.run.phrase)
            note.detail = _answer_words(answer)
        return answer

    def _locate(self, answer: Grounding, seen: Observation) -> Target3D | None:
        if answer.status != "found":
            self.run.reason = f"{answer.phrase!r} was {answer.status}"
            return None
        camera = Camera.from_matrix(seen.intrinsics, seen.rgb.shape[1], seen.rgb.shape[0])
        try:
            with self._step("locate") as note:
                target = self.run.target = locate(answer, seen.depth_m, camera, seen.T_base_camera)
                note.detail = _target_words(target)
        except NoDepthError as error:
            self.run.reason = str(error)
            return None
        return target

    def _pick(self, world: Tabletop, target: Target3D, film: Film) -> None:
        phases: list[Phase] = []

        def begin(phase: Phase) -> None:
            phases.append(phase)
            film.begin(phase)

        try:
            with self._step("pick") as note, film.rolling():
                outcome = self.run.outcome = world.planner.pick(target, on_phase=begin)
                note.detail = f"{outcome.reason} after {outcome.duration_s:.1f} simulated s: {', '.join(phases)}"
        except PlanningError as error:
            self.run.reason = str(error)
        else:
            self.run.reason = "" if outcome.succeeded else outcome.message

    def _save(self, picture: Image.Image, path: Path) -> None:
        picture.save(path)
        self.run.files.append(str(path))

    @contextmanager
    def _step(self, name: str) -> Iterator[_Note]:
        note, start = _Note(), time.perf_counter()
        try:
            yield note
        finally:
            step = Step(name, 1000 * (time.perf_counter() - start), note.detail or "failed")
            self.run.steps.append(step)
            self._report(step)


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


def _target_words(target: Target3D) -> str:
    x, y, z = target.position_m
    spread_mm = 1000 * max(target.covariance_m2[0], target.covariance_m2[4]) ** 0.5
    return f"x {x:.3f}  y {y:.3f}  z {z:.3f} m in {target.frame_id}, sd {spread_mm:.0f} mm, {target.points} points"
