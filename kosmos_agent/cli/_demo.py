"""The closed loop: see, find, locate, pick, and let the simulator judge. No oracle box is anywhere on that path."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kosmos_sim.instructions import check_unique, phrase_of, wanted_thing
from kosmos_sim.setting import Target
from kosmos_sim.world import Tabletop
from PIL import Image

from kosmos_agent.cli._film import Film, Reel
from kosmos_agent.cli._robot import CAMERA, Eye, SimRobot
from kosmos_agent.drawing import annotate, film_frame
from kosmos_agent.errors import InvalidArgumentError, NoDepthError, PlanningError
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.pick import PickReport, PickStep
from kosmos_agent.robot.planner import MotionOutcome


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
class Note:
    detail: str = ""


class AnyDemo:
    """What both ways of running it share: steps that are timed and told, pictures, both verdicts.

    report: called with each step as it ends. InvalidArgumentError: see `wanted_thing`.
    """

    def __init__(self, instruction: str, seed: int, report: Callable[[Step], None]) -> None:
        self._report = report
        phrase = phrase_of(instruction)
        self._wanted = wanted_thing(phrase)
        self.run = Run(instruction, phrase, seed)

    def lay(self, note: Note) -> Tabletop:
        """The table; InvalidArgumentError where the words fit more than one thing on it."""
        world = Tabletop.random(self.run.seed, self._wanted)
        note.detail = f"seed {self.run.seed}, {len(world.items)} things, cameras {', '.join(world.cameras)}"
        try:
            check_unique(world, self._wanted)
        except InvalidArgumentError:
            world.close()
            raise
        return world

    def show(self, before: Image.Image, after: Image.Image, reel: Reel, out: Path) -> None:
        """Writes before.png, after.png, film.webp and strip.png into `out`."""
        with self.step("pictures") as note:
            answer, verdict = self.run.answer, f"picked: {str(self.run.picked).lower()}"
            first = film_frame(before, "no answer") if answer is None else annotate(before, answer)
            self._save(first, out / "before.png")
            self._save(film_frame(after, verdict), out / "after.png")
            self.run.files += reel.write(out, before, answer, after, self.run.picked)
            note.detail = str(out)

    def compare(self) -> None:
        """The same table and arm, told where the thing truly is."""
        with self.step("oracle") as note:
            self.run.oracle_picked = oracle_picks(self.run.seed, self._wanted)
            note.detail = f"the same table, told the true place: picked {str(self.run.oracle_picked).lower()}"

    def take(self, report: PickReport) -> None:
        self.run.answer, self.run.target, self.run.outcome = report.answer, report.target, report.outcome
        self.run.reason = "" if report.picked else report.message

    def add(self, step: Step) -> None:
        self.run.steps.append(step)
        self._report(step)

    @contextmanager
    def step(self, name: str) -> Iterator[Note]:
        note, start = Note(), time.perf_counter()
        yield note
        self.add(Step(name, 1000 * (time.perf_counter() - start), note.detail))

    def _save(self, picture: Image.Image, path: Path) -> None:
        picture.save(path)
        self.run.files.append(str(path))


class Demo(AnyDemo):
    """All of it in this process, on the table that `seed` lays. load: gives the model."""

    def __init__(self, load: Callable[[], Eye], instruction: str, seed: int, report: Callable[[Step], None]) -> None:
        super().__init__(instruction, seed, report)
        self._load = load

    def play(self, out: Path) -> Run:
        """Runs everything and writes the pictures into `out`."""
        with self.step("model") as note:
            eye = self._load()
            note.detail = eye.name
        with self.step("world") as note:
            world = self.lay(note)
        with world:
            film = Film(world, CAMERA)
            robot = SimRobot(world, eye, self._picked_step, film.begin_phase)
            with film.rolling():
                self._pick(robot)
            self.show(robot.picture, Image.fromarray(world.observe(CAMERA).rgb), film, out)
        self.compare()
        return self.run

    def _pick(self, robot: SimRobot) -> None:
        try:
            self.take(robot.pick(self.run.phrase))
        except (NoDepthError, PlanningError) as error:
            self.run.reason = str(error)
        self.run.answer = robot.answer
        self.run.picked = robot.world.judge.verdict(robot.world.target.name).picked

    def _picked_step(self, step: PickStep, detail: str) -> None:
        self.add(Step(step_name(step.name, step.look), step.duration_ms, detail))


def step_name(name: str, look: int) -> str:
    return name if name == "pick" else f"{name} {look}"


def oracle_picks(seed: int, wanted: Target) -> bool:
    """Whether the arm picks the thing up on the same table when it is told where it truly is."""
    with Tabletop.random(seed, wanted) as world:
        try:
            world.planner.pick(world.truth()[0].as_target())
        except PlanningError:
            return False
        return world.judge.verdict(world.target.name).picked
