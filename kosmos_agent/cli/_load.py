"""The heavy halves of the commands, imported when a command needs them: `--help` must not wait for torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from kosmos_agent.cli._output import make_folder
from kosmos_agent.errors import MissingDependencyError

if TYPE_CHECKING:
    from PIL import Image

    from kosmos_agent.cli._demo import Run, Step
    from kosmos_agent.cli._examine import Finding
    from kosmos_agent.grounder import Grounder
    from kosmos_agent.results import Box, GroundedText, Grounding


@dataclass(frozen=True)
class ModelChoice:
    """What the options that name a model say."""

    model: str
    dtype: str
    device: str
    threads: int | None
    zoom: bool | None = None
    both_ways: bool | None = None
    runtime: str = "torch"

    def looking_once(self, wanted: bool) -> ModelChoice:
        """Without second looks and without the mirror image, where that is wanted."""
        return replace(self, zoom=False, both_ways=False) if wanted else self


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports inside belong to an optional part; MissingDependencyError, with the line to type, where one is absent."""
    try:
        yield
    except ModuleNotFoundError as error:
        absent = (error.name or "").partition(".")[0]
        if absent == "kosmos_agent":
            raise
        raise MissingDependencyError(
            f"{absent} is not installed; this command needs: pip install 'kosmos-agent[{extra}]'"
        ) from error


@contextmanager
def needs_ros() -> Iterator[None]:
    """Imports inside belong to ROS 2; MissingDependencyError, with what to do, where it is absent."""
    try:
        yield
    except ModuleNotFoundError as error:
        absent = (error.name or "").partition(".")[0]
        if absent in ("kosmos_agent", "kosmos_sim"):
            raise
        raise MissingDependencyError(
            f"{absent} is not installed; this command needs ROS 2: type `make setup` in a checkout, which installs it "
            "as wheels, or source a ROS 2 workspace that holds kosmos_interfaces and kosmos_ros"
        ) from error


def load_grounder(choice: ModelChoice, *, calibrated: bool = True) -> Grounder:
    """What is amiss with the model but lets it work goes to stderr."""
    from kosmos_agent.grounder import Grounder

    grounder = Grounder.load(
        choice.model,
        dtype=choice.dtype,
        device=choice.device,
        threads=choice.threads,
        calibrated=calibrated,
        zoom=choice.zoom,
        both_ways=choice.both_ways,
        runtime=choice.runtime,
        say=lambda line: typer.echo(f"kosmos-agent: {line}", err=True),
    )
    for warning in grounder.warnings:
        typer.echo(f"kosmos-agent: warning: {warning}", err=True)
    return grounder


def load_picture(path: Path) -> Image.Image:
    from kosmos_agent.images import load_image

    return load_image(path)


def check_text(text: str) -> str:
    """`text` as given; InvalidPhraseError when it is none, so that nobody waits for a model to hear it."""
    from kosmos_agent.markup import escape_user_text

    escape_user_text(text)
    return text


def make_box(x1: float, y1: float, x2: float, y2: float) -> Box:
    from kosmos_agent.results import Box

    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


def draw_answer(picture: Image.Image, answer: Grounding) -> Image.Image:
    from kosmos_agent.drawing import annotate

    return annotate(picture, answer)


def draw_text(picture: Image.Image, text: GroundedText) -> Image.Image:
    from kosmos_agent.drawing import annotate_text

    return annotate_text(picture, text)


def measure(choice: ModelChoice, image: Path | None, repeat: int) -> dict[str, Any]:
    from kosmos_agent.cli._measure import latency_report

    return latency_report(load_grounder(choice), None if image is None else load_picture(image), choice, repeat)


def examine(model: str) -> list[Finding]:
    from kosmos_agent.cli._examine import examine as look

    return look(model)


def play_demo(
    choice: ModelChoice,
    instruction: str,
    seed: int,
    out: Path,
    say: Callable[[str], object] | None,
    *,
    in_process: bool = False,
) -> Run:
    """The closed loop, through ROS 2 where it is installed. say: is told each step in a line as it ends."""
    with needs("sim"):
        from kosmos_agent.cli._demo import Demo

    def report(step: Step) -> None:
        if say is not None:
            say(f"{step.name:<9}{step.milliseconds:9.0f} ms   {step.detail}")

    absent = None if in_process else absent_ros()
    if absent is not None:
        typer.echo(f"kosmos-agent: {absent}; now everything runs in this process", err=True)
    if in_process or absent is not None:
        demo = Demo(lambda: load_grounder(choice), instruction, seed, report)
        make_folder(out)
        return demo.play(out)
    return _play_ros_demo(choice, instruction, seed, out, report)


def absent_ros() -> str | None:
    """In words, what keeps the nodes from running here; None: nothing does."""
    try:
        with needs_ros():
            import rclpy.action  # noqa: F401
    except MissingDependencyError as error:
        return str(error)
    return None


def _play_ros_demo(choice: ModelChoice, instruction: str, seed: int, out: Path, report: Callable[[Step], None]) -> Run:
    from kosmos_agent.cli._ros_demo import NodesFailedError, RosDemo

    demo = RosDemo(choice, instruction, seed, report)
    make_folder(out)
    try:
        return demo.play(out)
    except NodesFailedError as error:
        for line in error.lines:
            typer.echo(line, err=True)
        raise
