"""`kosmos-agent export`: the model as graphs that other runtimes read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice
from kosmos_agent.cli._output import print_json


class FormatName(StrEnum):
    """What the graphs are written as."""

    openvino = "openvino"
    onnx = "onnx"


def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="the folder to write")],
    model: options.Model = "tabletop",
    written_as: Annotated[FormatName, typer.Option("--format", help="of the graphs")] = FormatName.openvino,
    int8: Annotated[
        bool, typer.Option("--int8", help="convolutions in 8 bits, their ranges from rendered scenes (openvino)")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="ask the export and torch the same of rendered scenes, and compare")
    ] = False,
    scenes: Annotated[
        int | None, typer.Option(min=1, help="with --check: only the first of the test split", show_default=False)
    ] = None,
    as_json: options.Json = False,
    dtype: Annotated[str, typer.Option(help="with --check: what the export computes in")] = "auto",
    threads: options.Threads = None,
) -> None:
    """Write the vision and decoder graphs with a manifest of the weights that they hold; docs/export.md has the use.

    With --check, OpenVINO reads the export, of either format.
    """
    from kosmos_agent.cli import _export

    report = _export.export(model, out, written_as.value, int8=int8)
    if check:
        report["check"] = _export.compare(ModelChoice(model, dtype, "cpu", threads, runtime=str(out)), scenes)
    if as_json:
        print_json(report)
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    typer.echo(f"{report['folder']}: {report['format']} {report['precision']}, weights {report['weights_sha256'][:12]}")
    for name, size in report["files"].items():
        typer.echo(f"  {name:<24}{size / 1e6:8.1f} MB")
    for name, value in report.get("check", {}).get("summary", {}).items():
        typer.echo(f"  {name:<30}{'-' if value is None else f'{value:.6g}':>12}")
    for line in report.get("check", {}).get("changed", []):
        typer.echo(f"  {line}")
