"""`kosmos-agent agent`: tell a robot what to do, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, check_text, load_grounder, needs
from kosmos_agent.cli._output import make_folder, print_json
from kosmos_agent.errors import InvalidArgumentError


def agent(
    command: Annotated[str | None, typer.Argument(help="what the robot is told; without it, a prompt opens")] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="offline, or a chat model such as openai:gpt-5.5")
    ] = "offline",
    approve: Annotated[bool, typer.Option("--approve/--no-approve", help="ask a person before anything moves")] = False,
    seed: Annotated[int, typer.Option(min=0, help="which table is laid")] = 0,
    out: Annotated[Path, typer.Option("--out", "-o", help="folder for annotated pictures")] = Path("agent-out"),
    max_tool_calls: Annotated[int, typer.Option(min=1, help="for one command")] = 30,
    eyes: Annotated[str, typer.Option(help="the model that sees: tabletop, a folder, or a hub id")] = "tabletop",
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """An agent at a simulated table: it looks, answers, picks up and puts down, and says honestly how that went.

    Exit code 1 when what was asked for was not done. The offline model needs no network; it understands commands such
    as "pick up the red cup and put it in the blue bowl", "is there a spoon left of the plate?" and "help".
    """
    if as_json and (command is None or approve):
        raise InvalidArgumentError("--json answers one command and asks nobody; valid: a command, without --approve")
    if command is not None:
        check_text(command)
    with needs("agent"):
        from kosmos_agent.cli._agent_run import AgentRun
    make_folder(out)
    grounder = load_grounder(ModelChoice(eyes, dtype, device, threads, runtime=runtime))
    run = AgentRun(grounder, model, seed, out, approve=approve, max_tool_calls=max_tool_calls)
    if command is None:
        run.talk()
    elif as_json:
        result, succeeded = run.answer_as_json(command)
        print_json(result)
        _exit(succeeded)
    else:
        _exit(run.answer(command))


def _exit(succeeded: bool) -> None:
    if not succeeded:
        raise typer.Exit(1)
