"""`kosmos-agent ros`: start the nodes, look at the graph, ask it for things."""

from __future__ import annotations

from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import check_text, needs_ros
from kosmos_agent.cli.ros_replay import replay

app = typer.Typer(help="The ROS 2 graph: start it, look at it, ask it.", no_args_is_help=True)

_Sim = Annotated[bool, typer.Option("--sim", help="the simulated robot instead of a real camera")]
_Phrases = Annotated[
    list[str] | None, typer.Option("--phrase", "-p", help="standing query; may be given several times")
]
_Remaps = Annotated[
    list[str] | None, typer.Option("--remap", "-r", help="[NODE:]FROM:=TO, as image_raw:=/my/camera/image_raw")
]
_Parameters = Annotated[
    list[str] | None, typer.Option("--param", help="NODE.PARAMETER:=VALUE, as grounding.max_results:=3")
]
_Phrase = Annotated[str, typer.Argument(help="what it is about, as 'the red cup'", show_default=False)]
_DomainId = Annotated[int | None, typer.Option(min=0, max=101, help="instead of ROS_DOMAIN_ID", show_default=False)]


app.command()(replay)


@app.callback()
def root() -> None:
    """Everything that needs a ROS 2."""


@app.command()
def up(
    sim: _Sim = False,
    seed: Annotated[int | None, typer.Option(min=0, help="which simulated table", show_default=False)] = None,
    phrase: _Phrases = None,
    remap: _Remaps = None,
    param: _Parameters = None,
    model: options.Model = "tabletop",
    restart: Annotated[bool, typer.Option(help="start a node that died again")] = True,
    domain_id: _DomainId = None,
) -> None:
    """Start the nodes, each a process, and keep them until Ctrl-C. Exit code 1 when one ended by itself."""
    phrases = tuple(check_text(text) for text in phrase or ())
    with needs_ros():
        from kosmos_agent.cli._ros_up import Wishes, keep_up
    wishes = Wishes(sim, seed, phrases, tuple(remap or ()), tuple(param or ()), model)
    if not keep_up(wishes, typer.echo, domain_id=domain_id, restart=restart):
        raise typer.Exit(1)


@app.command()
def find(
    phrase: _Phrase,
    target_frame: Annotated[str, typer.Option(help="frame of the targets, z up; empty: as the node says")] = "",
    timeout_s: Annotated[float, typer.Option("--timeout", min=0.1, max=3600.0, help="seconds")] = 30.0,
    domain_id: _DomainId = None,
    as_json: options.Json = False,
) -> None:
    """Ask the running grounding node where something is. Exit code 1 when it is not found."""
    check_text(phrase)
    with needs_ros():
        from kosmos_agent.cli import _ros_ask
    if not _ros_ask.find(phrase, target_frame=target_frame, timeout_s=timeout_s, domain_id=domain_id, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def pick(
    phrase: _Phrase,
    timeout_s: Annotated[float, typer.Option("--timeout", min=1.0, max=3600.0, help="seconds")] = 120.0,
    domain_id: _DomainId = None,
    as_json: options.Json = False,
) -> None:
    """Ask the running pick node to pick something up; Ctrl-C cancels. Exit code 1 when it does not hold it."""
    check_text(phrase)
    with needs_ros():
        from kosmos_agent.cli import _ros_ask
    if not _ros_ask.pick(phrase, timeout_s=timeout_s, domain_id=domain_id, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def doctor(
    sim: Annotated[
        bool | None,
        typer.Option("--sim/--camera", help="which graph should be there (the one that is)", show_default=False),
    ] = None,
    domain_id: _DomainId = None,
    as_json: options.Json = False,
) -> None:
    """Look at the live graph: what is missing, inactive, mismatched, stale; and what to do. Exit code 1 for faults."""
    with needs_ros():
        from kosmos_agent.cli import _ros_doctor
    if not _ros_doctor.look(sim, domain_id=domain_id, as_json=as_json):
        raise typer.Exit(1)
