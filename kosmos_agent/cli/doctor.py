"""`kosmos-agent doctor`: what is installed here, and does it work?"""

from __future__ import annotations

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import examine
from kosmos_agent.cli._output import print_json


def doctor(model: options.Model = "tabletop", as_json: options.Json = False) -> None:
    """Say what is installed, what works, and what to type where it does not. Exit code 1 when a need is unmet."""
    findings = examine(model)
    if as_json:
        print_json({"ok": all(finding.ok for finding in findings), "findings": [vars(item) for item in findings]})
    else:
        for finding in findings:
            mark = typer.style("ok", fg="green") if finding.ok else typer.style("no", fg="red", bold=True)
            typer.echo(f"  {mark}  {finding.name:<10} {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
