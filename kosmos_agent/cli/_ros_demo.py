"""The demo through real processes: camera and arm, grounding node and pick node meet over ROS 2 alone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kosmos_interfaces.action import Pick
from kosmos_interfaces.srv import Judge
from kosmos_ros import asking
from kosmos_ros.domains import free_domain_id
from kosmos_ros.graph import Graph, simulated_graph
from kosmos_ros.picks import report_from_result
from kosmos_ros.readiness import until_seeing
from kosmos_ros.running import RunningGraph, running
from PIL import Image

from kosmos_agent.cli._demo import AnyDemo, Run, Step
from kosmos_agent.cli._film import Reel
from kosmos_agent.cli._load import ModelChoice
from kosmos_agent.cli._ros_course import Course
from kosmos_agent.cli._ros_recorder import Recorder
from kosmos_agent.errors import KosmosAgentError

JUDGE_TIMEOUT_S = 30.0
_LAST_LINES = 40


class NodesFailedError(KosmosAgentError):
    """The graph of the demo did not work; `lines` is the last that its nodes said."""

    def __init__(self, error: KosmosAgentError, lines: list[str]) -> None:
        super().__init__(str(error))
        self.code, self.lines = error.code, lines


class RosDemo(AnyDemo):
    """report: called with each step as it ends."""

    def __init__(self, choice: ModelChoice, instruction: str, seed: int, report: Callable[[Step], None]) -> None:
        super().__init__(instruction, seed, report)
        self._graph = demo_graph(choice, instruction, seed)
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)

    def play(self, out: Path) -> Run:
        """Runs everything and writes the pictures into `out`.

        NodesFailedError: a node ended, or did not come up or answer.
        """
        with self.step("world") as note:
            self.lay(note).close()
        self._play(out)
        self.compare()
        return self.run

    @contextmanager
    def last_words(self) -> Iterator[None]:
        """Taken before the others are ended: what those say then would push out what the first one said."""
        try:
            yield
        except KosmosAgentError as error:
            raise NodesFailedError(error, list(self._lines)) from error

    def hear(self, line: str) -> None:
        self._lines.append(line)

    def _play(self, out: Path) -> None:
        start_s = time.perf_counter()
        domain_id = free_domain_id()
        graph = running(self._graph, self.hear, domain_id=domain_id, discovery="LOCALHOST")
        with graph as started, self.last_words():
            started.until_ready()
            until_seeing(started.session, self._graph.node("grounding").full_name, unless=started.alive())
            names = ", ".join(spec.name for spec in self._graph.nodes)
            elapsed_ms = 1000 * (time.perf_counter() - start_s)
            self.add(Step("nodes", elapsed_ms, f"{names}: a process each, domain {domain_id}, this machine alone"))
            shown = self._picked(started)
        self.show(shown.before, shown.after, shown.reel, out)

    def _picked(self, started: RunningGraph) -> _Shown:
        """Sends the goal, films what comes of it, and asks the judge."""
        alive, sim = started.alive(), self._graph.node("sim")
        reel = Reel()
        with Recorder(started.session, sim.resolved("camera/image_raw"), reel, alive) as recorder:
            with Course(started.session, self._graph.node("grounding"), recorder, self.add) as course:
                recorder.newest()
                result = asking.pick(started.session, self.run.phrase, on_feedback=course.hear, unless=alive)
            self._take(result)
            judged = started.session.call(
                Judge, sim.resolved("~/judge"), Judge.Request(), JUDGE_TIMEOUT_S, unless=alive
            )
            self.run.picked = judged.picked
            frame = None if self.run.answer is None else self.run.answer.frame
            before = recorder.at(None if frame is None else frame.stamp_ns)
            return _Shown(before, recorder.newest(), reel)

    def _take(self, result: Pick.Result) -> None:
        try:
            self.take(report_from_result(result))
        except KosmosAgentError as error:
            # A refusal: nothing was moved, and the robot says why.
            self.run.reason = f"{error.code}: {error}"


@dataclass(frozen=True)
class _Shown:
    before: Image.Image
    after: Image.Image
    reel: Reel


def demo_graph(choice: ModelChoice, instruction: str, seed: int) -> Graph:
    """The simulated robot, its table laid for the instruction, and the model as the options say."""
    graph = simulated_graph(seed).with_values("sim", {"instruction": instruction})
    return graph.with_values(
        "grounding",
        {
            "model_path": choice.model,
            "dtype": choice.dtype,
            "device": choice.device,
            "runtime": choice.runtime,
            "threads": choice.threads or 0,
        },
    )
