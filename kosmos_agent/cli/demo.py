"""`kosmos-agent demo`: name it, find it, pick it, in simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, check_text, play_demo
from kosmos_agent.cli._output import print_json, print_run, run_json


def demo(
    instruction: Annotated[str, typer.Argument(help="what the robot is told")] = "pick up the red cup",
    seed: Annotated[int, typer.Option(min=0, help="which table is laid")] = 0,
    out: Annotated[Path, typer.Option("--out", "-o", help="folder for pictures and film")] = Path("demo-out"),
    in_process: Annotated[bool, typer.Option("--in-process", help="without ROS 2, all in this process")] = False,
    model: options.Model = "tabletop",
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """See a table, find what the instruction names, pick it up; the simulator judges. Exit code 1 when not picked.

    Camera and arm, grounding and picking are ROS 2 nodes, a process each; without ROS 2 all happens in this one.
    """
    check_text(instruction)
    say = None if as_json else typer.echo
    choice = ModelChoice(model, dtype, device, threads, runtime=runtime)
    run = play_demo(choice, instruction, seed, out, say, in_process=in_process)
    if as_json:
        print_json(run_json(run))
    else:
        print_run(run)
    if not run.picked:
        raise typer.Exit(1)
