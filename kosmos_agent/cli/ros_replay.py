"""`kosmos-agent ros replay`: what would the robot have seen?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, check_text, load_grounder, needs_ros
from kosmos_agent.cli._output import make_folder, print_json

if TYPE_CHECKING:
    from kosmos_ros.replay import Replay, ReplayPlan

_Topic = Annotated[str | None, typer.Option(help="where the bag holds several", show_default=False)]


def replay(
    bag: Annotated[Path, typer.Argument(help="folder of a ROS 2 bag, or its .mcap or .db3 file", show_default=False)],
    phrase: Annotated[list[str], typer.Option("--phrase", "-p", help="what to look for; may be given several times")],
    out: Annotated[Path, typer.Option("--out", "-o", help="folder for answers.jsonl and the film")] = Path("replay"),
    image_topic: _Topic = None,
    depth_topic: _Topic = None,
    camera_info_topic: _Topic = None,
    target_frame: Annotated[str, typer.Option(help="frame of the targets, z up")] = "base_link",
    every: Annotated[int, typer.Option(min=1, help="answer each how many-th picture")] = 1,
    model: options.Model = "tabletop",
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
    zoom: options.Zoom = None,
) -> None:
    """Run a recording through the grounding node's code, without a graph: answers.jsonl, film.webp and sheet.png.

    Stopped with Ctrl-C, the same command goes on after the last picture that was answered.
    """
    phrases = tuple(dict.fromkeys(check_text(text) for text in phrase))
    with needs_ros():
        from kosmos_ros.bag_reader import open_bag
        from kosmos_ros.replay import Replay, ReplayPlan
        from kosmos_ros.settings import GroundingSettings
    settings = GroundingSettings.checked({"model_path": model, "target_frame": target_frame})
    plan = ReplayPlan(bag.name, phrases, model, target_frame, every, image_topic, depth_topic, camera_info_topic)
    with open_bag(bag) as reader:
        make_folder(out)
        run = Replay(reader, plan, out, settings)
        with _progress(run, quiet=as_json) as advance:
            run.run(load_grounder(ModelChoice(model, dtype, device, threads, zoom, runtime=runtime)), advance)
        files = [out / "answers.jsonl", *run.write_film()]
        _report(run, plan, files, as_json)


@contextmanager
def _progress(run: Replay, *, quiet: bool) -> Iterator[Any]:
    """On stderr. Gives what is to be called after each picture; an interruption says how to go on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(run.topics.image, total=run.pictures, completed=run.done)
        try:
            yield lambda: bar.advance(task)
        except KeyboardInterrupt:
            done = f"{run.done} of {run.pictures} pictures are answered"
            typer.echo(f"kosmos-agent: stopped, {done}; the same command goes on from there", err=True)
            raise


def _report(run: Replay, plan: ReplayPlan, files: list[Path], as_json: bool) -> None:
    statuses = run.record.statuses
    damaged = sum("picture" not in line for line in run.record.lines)
    if as_json:
        print_json(
            {
                "bag": plan.bag,
                "topics": vars(run.topics),
                "pictures": run.done,
                "statuses": statuses,
                "damaged_messages": damaged,
                "files": [str(path) for path in files],
            }
        )
        return
    for phrase, counts in statuses.items():
        said = "  ".join(f"{status.replace('_', ' ')} {count}" for status, count in sorted(counts.items()))
        typer.echo(f"{phrase}: {said}")
    if damaged:
        typer.echo(f"damaged messages besides pictures: {damaged}")
    typer.echo(f"files: {', '.join(map(str, files))}")
