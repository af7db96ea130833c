"""`kosmos-agent bench`: how long does a look take?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, measure
from kosmos_agent.cli._output import print_json


def bench(
    model: options.Model = "tabletop",
    image: Annotated[
        Path | None, typer.Option(help="a picture to look at; noise when unset", show_default=False)
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, max=1000, help="measurements of each kind")] = 20,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Median latency of a view, of one phrase and of eight phrases on it."""
    report = measure(ModelChoice(model, dtype, device, threads, runtime=runtime), image, repeat)
    if as_json:
        print_json(report)
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    load = report["load_average"]
    typer.echo(
        f"{report['model']}  {report['runtime']}  {report['dtype']}  {report['device']}"
        f"  {report['threads']} threads of {report['cpus']}  load before {load:.2f}  median of {report['repeat']}"
    )
    for name in ("view", "find_1", "find_8"):
        entry = report["latency_ms"][name]
        typer.echo(f"  {name:<8} {entry['median']:8.1f} ms   (from {entry['min']:.1f} to {entry['max']:.1f})")
