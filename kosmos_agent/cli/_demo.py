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

from kosmos_agent.cli._film import Film
from kosmos_agent.cli._robot import CAMERA, Eye, SimRobot
from kosmos_agent.drawing import annotate, film_frame
from kosmos_agent.errors import NoDepthError, PlanningError
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.pick import PickStep
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
            check_unique(world, self._wanted)
            film = Film(world, CAMERA)
            robot = SimRobot(world, eye, self._picked_step, film.begin)
            with film.rolling():
                self._pick(robot)
            self._show(robot, film, out)
        with self._step("oracle") as note:
            self.run.oracle_picked = oracle_picks(self.run.seed, self._wanted)
            note.detail = f"the same table, told the true place: picked {str(self.run.oracle_picked).lower()}"
        return self.run

    def _pick(self, robot: SimRobot) -> None:
        try:
            report = robot.pick(self.run.phrase)
        except (NoDepthError, PlanningError) as error:
            self.run.reason = str(error)
        else:
            self.run.target, self.run.outcome = report.target, report.outcome
            self.run.reason = "" if report.picked else report.message
        self.run.answer = robot.answer
        self.run.picked = robot.world.judge.verdict(robot.world.target.name).picked

    def _show(self, robot: SimRobot, film: Film, out: Path) -> None:
        with self._step("pictures") as note:
            after = Image.fromarray(robot.world.observe(CAMERA).rgb)
            self._save(annotate(robot.picture, robot.answer), out / "before.png")
            self._save(film_frame(after, f"picked: {str(self.run.picked).lower()}"), out / "after.png")
            self.run.files += film.write(out, robot.picture, robot.answer, after, self.run.picked)
            note.detail = str(out)

    def _save(self, picture: Image.Image, path: Path) -> None:
        picture.save(path)
        self.run.files.append(str(path))

    def _picked_step(self, step: PickStep, detail: str) -> None:
        name = step.name if step.name == "pick" else f"{step.name} {step.look}"
        self._add(Step(name, step.duration_ms, detail))

    def _add(self, step: Step) -> None:
        self.run.steps.append(step)
        self._report(step)

    @contextmanager
    def _step(self, name: str) -> Iterator[_Note]:
        note, start = _Note(), time.perf_counter()
        yield note
        self._add(Step(name, 1000 * (time.perf_counter() - start), note.detail))


def oracle_picks(seed: int, wanted: Target) -> bool:
    """Whether the arm picks the thing up on the same table when it is told where it truly is."""
    with Tabletop.random(seed, wanted) as world:
        try:
            world.planner.pick(world.truth()[0].as_target())
        except PlanningError:
            return False
        return world.judge.verdict(world.target.name).picked
