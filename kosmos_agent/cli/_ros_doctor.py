"""What `ros doctor` does: examines the live graph and says what it found."""

from __future__ import annotations

import os

import typer
from kosmos_ros import environment
from kosmos_ros.doctor import examine
from kosmos_ros.faults import Fault, sound
from kosmos_ros.graph import Graph, camera_graph, simulated_graph
from kosmos_ros.session import open_session

from kosmos_agent.cli._output import print_json


def look(simulated: bool | None, *, domain_id: int | None, as_json: bool) -> bool:
    """Whether no fault was found. simulated: which graph is expected; None: the one that is there."""
    variables = dict(os.environ)
    with environment.applied(environment.for_process(domain_id=domain_id)), open_session(domain_id) as session:
        found = examine(session, _expected(simulated), variables=variables)
    if as_json:
        print_json({"ok": sound(found), "findings": [vars(fault) for fault in found]})
    else:
        print_faults(found)
    return sound(found)


def print_faults(found: list[Fault]) -> None:
    """Faults first, each with what to do; the last line sums up."""
    for fault in sorted(found, key=lambda item: item.level):
        mark = typer.style("note", dim=True) if fault.level == "note" else typer.style("  no", fg="red", bold=True)
        typer.echo(f"{mark}  {fault.subject}: {fault.message}")
        if fault.remedy:
            typer.echo(f"      -> {fault.remedy}")
    count = sum(fault.level == "fault" for fault in found)
    typer.echo("no faults" if count == 0 else f"{count} fault{'s' if count > 1 else ''}")


def _expected(simulated: bool | None) -> Graph | None:
    if simulated is None:
        return None
    return simulated_graph() if simulated else camera_graph()
