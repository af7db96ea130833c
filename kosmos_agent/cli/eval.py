"""`kosmos-agent eval`: how good is a model, on scenes that it was never trained on?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli import eval_labels, eval_public
from kosmos_agent.cli._load import ModelChoice, needs
from kosmos_agent.cli._output import print_json

app = typer.Typer(help="Score a model on a fixed split or a public benchmark.", no_args_is_help=True)
eval_public.add_to(app)
app.command()(eval_labels.labels)


_COLUMNS = ("accuracy_iou50", "accuracy_iou75", "mean_iou")
_FIGURES = (
    ("several things, F1 of boxes", "plural_f1", "n_plural"),
    ("presence, AUROC", "presence_auroc", "n_absent"),
    ("absent, but found", "false_found_rate", "n_absent"),
    ("there, but not found", "missed_rate", "n"),
    ("fits several, and asked which", "asked_rate", "n_ambiguous"),
    ("of these, F1 of the boxes offered", "choices_f1", "n_asked"),
    ("fits one, but asked which", "needlessly_asked_rate", "n"),
    ("calibration error", "ece", "n_probabilities"),
    ("descriptions right", "describe_accuracy", "n_described"),
    ("brief captions, F1", "caption_f1", "n_captions"),
    ("questions right", "question_accuracy", "n_questions"),
)


class SplitName(StrEnum):
    """Fixed splits of the rendered table-tops."""

    test = "test"
    validation = "validation"


class LookName(StrEnum):
    """Who drew the pictures: the renderer of the training pictures, a path tracer, another rasteriser."""

    rendered = "rendered"
    mitsuba = "mitsuba"
    other = "other"


@app.callback()
def root() -> None:
    """Scores on scenes and on tables."""


@app.command()
def tabletop(
    model: options.Model = "tabletop",
    split: Annotated[SplitName | None, typer.Option(help="which rendered split (test)", show_default=False)] = None,
    look: Annotated[LookName | None, typer.Option(help="which renderer (rendered)", show_default=False)] = None,
    images: Annotated[
        Path | None, typer.Option(help="a folder of pictures with labels.jsonl instead", show_default=False)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="write diagrams and the worst mistakes into this folder", show_default=False)
    ] = None,
    scenes: Annotated[int | None, typer.Option(min=1, help="only the first so many", show_default=False)] = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
    zoom: options.Zoom = None,
    single_look: options.SingleLook = False,
) -> None:
    """Boxes, presence, probabilities, texts on labelled table-tops; docs/evaluation.md defines every figure."""
    from kosmos_agent.cli._eval import choose_source, evaluate_tabletop

    source = choose_source(split and split.value, look and look.value, images, scenes)
    choice = ModelChoice(model, dtype, device, threads, zoom, runtime=runtime).looking_once(single_look)
    result = evaluate_tabletop(choice, source, report)
    if as_json:
        print_json(result)
    else:
        _print(result, source.title)


@app.command()
def picks(
    model: options.Model = "tabletop",
    layouts: Annotated[int, typer.Option(min=0, help="random tables")] = 100,
    absent: Annotated[int, typer.Option(min=0, help="more tables, asked for what they do not hold")] = 0,
    seed: Annotated[int | None, typer.Option(min=0, help="of the first table", show_default=False)] = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Closed-loop pick rate with noisy depth, beside the rate of an oracle that is told the true place."""
    with needs("sim"):
        from kosmos_agent.cli._picks import FIRST_SEED, evaluate_picks

    first = FIRST_SEED if seed is None else seed
    report = evaluate_picks(ModelChoice(model, dtype, device, threads, runtime=runtime), layouts, first, absent)
    if as_json:
        print_json(report)
        return
    _print_picks(report)


@app.command()
def agent(
    model: options.Model = "tabletop",
    tasks: Annotated[int, typer.Option(min=1, help="how many seeded tasks")] = 100,
    first: Annotated[int, typer.Option(min=0, help="number of the first task")] = 0,
    kind: Annotated[
        list[str] | None, typer.Option(help="only tasks of this kind; repeatable", show_default=False)
    ] = None,
    oracle: Annotated[bool, typer.Option("--oracle", help="true boxes in place of the model's")] = False,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """The offline agent on simulated tasks, its claims held against what the simulator knows."""
    with needs("agent"):
        from kosmos_agent.cli._agent_tasks import evaluate_agent, print_scores

    report = evaluate_agent(ModelChoice(model, dtype, device, threads, runtime=runtime), tasks, first, kind, oracle)
    if as_json:
        print_json(report)
    else:
        print_scores(report)


def _print_picks(report: dict[str, Any]) -> None:
    for line in report["not_picked"]:
        typer.echo(f"  not picked: {line}")
    typer.echo(f"picked {report['picked']} of {report['layouts']}; oracle {report['oracle_picked']}")
    typer.echo(
        f"of the oracle's picks {report['picked_of_oracle']:.1%}; disturbed others {report['moved_wrong_object']}"
    )
    if "absent_layouts" not in report:
        return
    for line in report["picked_when_absent"]:
        typer.echo(f"  picked though it was not there: {line}")
    typer.echo(
        f"asked for what is not there on {report['absent_layouts']} tables: picked "
        f"{report['picked_wrong_object_when_absent']}, arm sent out {report['started_when_absent']}"
    )


def _print(report: dict[str, Any], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    boxes = Table(title=f"{report['model']} on {title}: {report['scenes']} scenes, {report['seconds']:.0f} s")
    for name in ("phrases", "n", "IoU 0.5", "IoU 0.75", "mean IoU"):
        boxes.add_column(name, justify="left" if name == "phrases" else "right")
    both = {"relation, superlative, ge12": report["relation_superlative_ge12"]}
    rows = {"all": report, "answered found": report["found"], **report["by_size"], **report["by_kind"], **both}
    for name, item in rows.items():
        numbers = [f"{item[key]:.3f}" if key in item else "-" for key in _COLUMNS]
        boxes.add_row(name, str(item["n"]), *numbers)
    others = Table()
    for name in ("figure", "n", "value"):
        others.add_column(name, justify="left" if name == "figure" else "right")
    for words, key, counted in _FIGURES:
        value = report[key]
        others.add_row(words, str(report[counted]), "-" if value is None else f"{value:.3f}")
    console = Console()
    console.print(boxes, others)
    for file in report["files"]:
        console.print(file, soft_wrap=True)
