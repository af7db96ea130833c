"""`kosmos-agent train plan`: what a run by any recipe would take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli import train_recipe
from kosmos_agent.cli._load import needs


def plan(
    config: Annotated[str, typer.Argument(help="a TOML file, or the name of a shipped recipe (train recipes)")],
    data: Annotated[
        Path | None, typer.Option(help="measure samples here; else those of no stated size count as full rows")
    ] = None,
    changes: train_recipe.Changes = None,
    devices: Annotated[int, typer.Option(min=1, help="how many")] = 1,
    tflops: Annotated[float, typer.Option("--device-tflops", min=0.001, help="of one, as its maker states")] = 100.0,
    mfu: Annotated[float, typer.Option(min=0.001, max=1.0, help="the share of them that training gets")] = 0.35,
    json: options.Json = False,
) -> None:
    """Count parameters, tokens, memory and hours of a recipe, the embedded model's too; train nothing."""
    with needs("scale"):
        from kosmos_agent.cli._train_recipe import counted_recipe, make_plan

    make_plan(counted_recipe(config, tuple(changes or ())), data, devices, tflops, mfu, as_json=json)
