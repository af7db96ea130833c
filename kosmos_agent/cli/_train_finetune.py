"""Fine-tuning from the command line; imported only when it is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from kosmos_agent.training.finetune import finetune
from kosmos_agent.training.held_out import split
from kosmos_agent.training.labels.reading import read_boxes
from kosmos_agent.training.recipe.models import BoxFormat
from kosmos_agent.training.recipe.reading import read_recipe
from kosmos_agent.training.scale.rejects import REJECTS_FILE

REPORT_FILE = "finetune.json"


@dataclass(frozen=True)
class Boxes:
    """held_out: share of the pictures; None for the export's own split."""

    folder: Path
    form: BoxFormat
    held_out: float | None


def train_boxes(
    boxes: Boxes, model: str, out: Path, config: str, steps: int | None, changes: tuple[str, ...], *, as_json: bool
) -> None:
    """Reads and checks all labels first, then trains; the report goes beside the model."""
    filled = {"model.start": model, "data.0.path": str(boxes.folder.resolve()), "data.0.format": boxes.form}
    lines = [f"{key}={json.dumps(value)}" for key, value in filled.items()]
    lines += [f"schedule.steps={steps}"] if steps is not None else []
    recipe = read_recipe(config, "finetune", (*lines, *changes))
    console = Console(stderr=as_json)
    read = read_boxes(boxes.folder, boxes.form, partial(console.print, markup=False))
    report = finetune(recipe, split(read, boxes.held_out, recipe.seed), out, console)
    if report is None:
        typer.echo("not done yet; the same command goes on", err=True)
        return
    (out / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(report))
    else:
        print_report(report, out)


def print_report(report: dict[str, Any], out: Path) -> None:
    before, after = report["held_out"]["before"], report["held_out"]["after"]
    if before:
        table = Table("held-out pictures", "before", "after")
        for name, value in before.items():
            table.add_row(name, _shown(value), _shown(after[name]))
        Console().print(table)
    if report["rejected"]:
        typer.echo(f"{report['rejected']} samples could not be used: {out / 'training' / REJECTS_FILE} has the reasons")
    typer.echo(f"{out}: open it with --model {out}; calibrate it anew before its probabilities are trusted")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
