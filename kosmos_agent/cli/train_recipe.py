"""`kosmos-agent train pretrain | instruct | recipes`: the paper's two stages by a recipe file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import needs
from kosmos_agent.errors import InvalidArgumentError

if TYPE_CHECKING:
    from kosmos_agent.cli._train_recipe import Ray


class Engine(StrEnum):
    LOCAL = "local"
    RAY = "ray"


Config = Annotated[str, typer.Option("--config", help="a TOML file, or the name of a shipped recipe (train recipes)")]
Data = Annotated[Path, typer.Option("--data", help="folder that the paths of the recipe start from")]
RunFolder = Annotated[Path, typer.Option("--run-folder", help="state, curves and the finished model; resumes")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", help="change a key: schedule.steps=100, data.0.path=grit; repeatable")
]
StopAt = Annotated[int | None, typer.Option(min=1, help="save and stop after this step", show_default=False)]
PlanOnly = Annotated[bool, typer.Option("--plan", help="count parameters, tokens, memory and hours; train nothing")]
Devices = Annotated[int, typer.Option(min=1, help="for --plan: how many devices")]
Tflops = Annotated[float, typer.Option("--device-tflops", min=0.001, help="for --plan: of one, as its maker states")]
Mfu = Annotated[float, typer.Option(min=0.001, max=1.0, help="for --plan: the share of them that training gets")]
EngineOption = Annotated[Engine, typer.Option(help="local: this process, or those of torchrun; ray: Ray Train")]
Workers = Annotated[int | None, typer.Option(min=1, help="for --engine ray: processes", show_default="1")]
Address = Annotated[str | None, typer.Option(help="for --engine ray: a running cluster", show_default=False)]
Gpus = Annotated[float | None, typer.Option("--gpus-per-worker", min=0.0, help="for --engine ray", show_default="0")]

_HELD_OUT = "share of the pictures that only judge, chosen at random"


def pretrain(
    config: Config = "paper_pretrain",
    data: Data = Path(),
    run: RunFolder = Path("runs/pretrain"),
    changes: Changes = None,
    stop_at: StopAt = None,
    plan: PlanOnly = False,
    devices: Devices = 1,
    tflops: Tflops = 100.0,
    mfu: Mfu = 0.35,
    json: options.Json = False,
    engine: EngineOption = Engine.LOCAL,
    workers: Workers = None,
    address: Address = None,
    gpus: Gpus = None,
) -> None:
    """Pre-train on grounded pairs, captions, text and interleaved documents (paper 3.3, table 7)."""
    with needs("scale"):
        from kosmos_agent.cli._train_recipe import Job, make_plan, train

    job = Job("pretrain", config, data, run, tuple(changes or ()), stop_at)
    if plan:
        make_plan(job.recipe(), data, devices, tflops, mfu, as_json=json)
    else:
        train(job, _ray(engine, workers, address, gpus))


def instruct(
    config: Config = "paper_instruct",
    data: Data = Path(),
    run: RunFolder = Path("runs/instruct"),
    changes: Changes = None,
    stop_at: StopAt = None,
    plan: PlanOnly = False,
    devices: Devices = 1,
    tflops: Tflops = 100.0,
    mfu: Mfu = 0.35,
    json: options.Json = False,
    engine: EngineOption = Engine.LOCAL,
    workers: Workers = None,
    address: Address = None,
    gpus: Gpus = None,
) -> None:
    """Tune a pre-trained model on instructions in words, about pictures and about boxes (paper 3.3, table 8)."""
    with needs("scale"):
        from kosmos_agent.cli._train_recipe import Job, make_plan, train

    job = Job("instruct", config, data, run, tuple(changes or ()), stop_at)
    if plan:
        make_plan(job.recipe(), data, devices, tflops, mfu, as_json=json)
    else:
        train(job, _ray(engine, workers, address, gpus))


def _ray(engine: Engine, workers: int | None, address: str | None, gpus: float | None) -> Ray | None:
    """InvalidArgumentError for what says how Ray is to run where it is not to."""
    from kosmos_agent.cli._train_recipe import Ray

    if engine is Engine.RAY:
        return Ray(workers or 1, address, gpus or 0.0)
    for option, value in (("--workers", workers), ("--address", address), ("--gpus-per-worker", gpus)):
        if value is not None:
            raise InvalidArgumentError(f"{option} {value} is for Ray; valid with --engine ray")
    return None


class BoxFormat(StrEnum):
    COCO = "coco"
    LABELME = "labelme"
    YOLO = "yolo"


def finetune(
    data: Annotated[Path, typer.Option("--data", help="folder of the export: labels and pictures")],
    form: Annotated[BoxFormat, typer.Option("--format", help="what the labelling tool exported")],
    out: Annotated[Path, typer.Option("--out", help="the fine-tuned model; its run goes into training/ there")],
    model: options.Model = "microsoft/kosmos-2-patch14-224",
    config: Annotated[str, typer.Option("--config", help="a TOML file, or the name of a shipped recipe")] = "finetune",
    steps: Annotated[int | None, typer.Option(min=2, help="if not the recipe's", show_default=False)] = None,
    held_out: Annotated[
        float | None, typer.Option(min=0.0, max=0.9, help=_HELD_OUT, show_default="the export's own split, or 0.2")
    ] = None,
    changes: Changes = None,
    json: options.Json = False,
) -> None:
    """Teach a model your own words and looks from boxes (LoRA), and write it whole, in the published layout."""
    with needs("scale"):
        from kosmos_agent.cli._train_finetune import Boxes, train_boxes

    train_boxes(Boxes(data, form.value, held_out), model, out, config, steps, tuple(changes or ()), as_json=json)


def exclude(
    files: Annotated[list[Path], typer.Argument(help="MDETR's finetune_refcoco*_val.json and so on, or COCO's")],
    out: Annotated[Path, typer.Option("--out", help="the list, a name a line")] = Path("exclude.txt"),
) -> None:
    """List the pictures of annotation files, for `exclude` of a recipe's conversations."""
    with needs("train"):
        from kosmos_agent.training.sources.excluded import names_in

    names = names_in(files)
    out.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    typer.echo(f"{out}: {len(names)} pictures")


def recipes(
    name: Annotated[str | None, typer.Argument(help="print this one, to be changed and given to --config")] = None,
) -> None:
    """List the shipped recipes, or print one."""
    with needs("train"):
        from kosmos_agent.training.recipe.reading import config_file, shipped_recipes

    if name is None:
        typer.echo("\n".join(shipped_recipes()))
    else:
        typer.echo(config_file(name).read_text(encoding="utf-8"), nl=False)
