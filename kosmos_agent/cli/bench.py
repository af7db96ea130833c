"""`kosmos-agent bench`: how long does a look take, and how much sooner is it done than with what users run today?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, measure, needs
from kosmos_agent.cli._output import print_json
from kosmos_agent.errors import InvalidArgumentError

_REPEAT, _REPEAT_AGAINST = 20, 5


class Baseline(StrEnum):
    """Whose speed to compare with."""

    transformers = "transformers"


def bench(
    model: options.Model = "tabletop",
    image: Annotated[
        Path | None, typer.Option(help="a picture to look at; noise when unset", show_default=False)
    ] = None,
    against: Annotated[
        Baseline | None, typer.Option(help="both sides in turn, in one process: ratios, floors", show_default=False)
    ] = None,
    beside: Annotated[
        int, typer.Option(min=0, max=64, help="with --against: also beside up to so many busy processes")
    ] = 0,
    parts: Annotated[
        str | None, typer.Option(help="with --against: only these measurements, with commas", show_default=False)
    ] = None,
    repeat: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="calm samples of each kind (20; 5 with --against)", show_default=False),
    ] = None,
    patience: Annotated[
        int, typer.Option(min=1, max=100, help="with --against: rounds for each calm sample, waiting for calm")
    ] = 3,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Median latency of a view, of one phrase and of eight; with --against, beside another way to run the model."""
    choice = ModelChoice(model, dtype, device, threads, runtime=runtime)
    if against is None:
        if beside or parts is not None:
            raise InvalidArgumentError(
                "--beside and --parts belong to a comparison; valid: with --against transformers"
            )
        report = measure(choice, image, repeat or _REPEAT)
        print_json(report) if as_json else _print(report)
        return
    if runtime != "torch":
        raise InvalidArgumentError(
            f"--runtime {runtime} with --against; valid: torch, beside which openvino is measured anyway, where it is "
            "installed and the model is small"
        )
    with needs("benchmarks"):
        from kosmos_agent.cli._bench import compare, print_comparison

    chosen = None if parts is None else tuple(parts.split(","))
    found = compare(choice, image, repeat or _REPEAT_AGAINST, patience, beside, chosen)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_comparison(found)


def _print(report: dict[str, Any]) -> None:
    load = report["load_average"]
    typer.echo(
        f"{report['model']}  {report['runtime']}  {report['dtype']}  {report['device']}"
        f"  {report['threads']} threads of {report['cpus']}  load before {load:.2f}  median of {report['repeat']}"
    )
    for name in ("view", "find_1", "find_8", "new_1"):
        entry = report["latency_ms"][name]
        noisy = "   others used our processors" if entry["noisy"] else ""
        typer.echo(f"  {name:<8} {entry['median']:8.1f} ms   (from {entry['min']:.1f} to {entry['max']:.1f}){noisy}")
