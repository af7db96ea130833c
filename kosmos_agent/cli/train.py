"""`kosmos-agent train`: the embedded model, the paper's two stages, and fine-tuning on a user's own boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli import train_plan, train_recipe
from kosmos_agent.cli._load import needs
from kosmos_agent.errors import InvalidArgumentError

_BESIDE_CONFIG = (
    "run", "cache", "start_from", "validate_minutes", "minutes", "workers", "device", "threads", "config", "changes",
)  # fmt: skip
"""Options that say where and how long to train, not what."""
_Recipe = Annotated[
    str | None, typer.Option(help="take what is trained from a recipe, such as tabletop", show_default=False)
]
_DenseOnly = Annotated[int, typer.Option(min=0, help="first steps, on the vision tower alone; none with --start-from")]
_Smallest = Annotated[
    int | None, typer.Option(min=64, max=448, help="batches go round the sides from --size down to this one")
]
_RowTokens = Annotated[
    int, typer.Option(min=96, max=512, help="longest row; rows about as long as each other waste nothing")
]
_StartFrom = Annotated[Path | None, typer.Option(help="checkpoint folder to start a new run from", show_default=False)]

app = typer.Typer(help="Train a model. Ctrl-C saves; the same command resumes.", no_args_is_help=True)
app.command()(train_recipe.pretrain)
app.command()(train_recipe.instruct)
app.command()(train_recipe.finetune)
app.command()(train_recipe.recipes)
app.command()(train_recipe.exclude)
app.command()(train_plan.plan)


@app.callback()
def root() -> None:
    """Training and shipping."""


@app.command()
def tabletop(
    context: typer.Context,
    run: Annotated[Path, typer.Option("--run-folder", help="state, averaged weights, curves")] = Path("runs/tabletop"),
    cache: Annotated[Path, typer.Option(help="folder of rendered pictures; filled on demand")] = Path(".cache/train"),
    pictures: Annotated[int, typer.Option(min=1, help="training pictures to render")] = 16_000,
    held_out: Annotated[int, typer.Option(min=1, help="validation pictures")] = 128,
    steps: Annotated[int, typer.Option(min=1, help="total optimiser steps")] = 12_000,
    decay_steps: Annotated[int, typer.Option(min=0, help="last steps, over which the rate falls")] = 2_000,
    dense_only_steps: _DenseOnly = 2_000,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 1e-3,
    phrases: Annotated[int, typer.Option(min=1, max=32, help="tasks behind each picture")] = 12,
    size: Annotated[int, typer.Option(min=64, max=448, help="side of the training pictures, pixels")] = 224,
    smallest: _Smallest = None,
    captions: Annotated[float, typer.Option(min=0.0, max=100.0, help="percent of the tasks; long, so dear")] = 2.0,
    row_tokens: _RowTokens = 176,
    average: Annotated[float, typer.Option(min=0.0, max=0.9999, help="memory of the averaged weights")] = 0.999,
    start_from: _StartFrom = None,
    validate_minutes: Annotated[float, typer.Option(min=0.1)] = 10.0,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="stop and save after so long", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option()] = 0,
    workers: Annotated[int, typer.Option(min=0, help="loader processes")] = 1,
    device: options.Device = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 2,
    config: _Recipe = None,
    changes: train_recipe.Changes = None,
) -> None:
    """Train the embedded table-top model; everything is kept in --run-folder (state/, averaged/, curves.png)."""
    with needs("train"):
        from kosmos_agent.cli._train import Machine, Pictures, train_by_recipe, train_tabletop
        from kosmos_agent.training.settings import TrainSettings

    if config is not None:
        _refuse_beside_config(context)
        machine = Machine(run, cache, start_from, validate_minutes, minutes, workers, device, threads)
        train_by_recipe(config, tuple(changes or ()), machine)
        return
    settings = TrainSettings(
        steps=steps,
        decay_steps=decay_steps,
        dense_only_steps=dense_only_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        loader_processes=workers,
        threads=threads,
        validate_minutes=validate_minutes,
        max_minutes=float("inf") if minutes is None else minutes,
        average=average,
        seed=seed,
    )
    chosen = Pictures(cache, pictures, held_out, phrases, size, smallest, captions, row_tokens)
    train_tabletop(settings, run, chosen, start_from, device)


def _refuse_beside_config(context: typer.Context) -> None:
    """What a recipe says cannot be said a second time."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in _BESIDE_CONFIG and source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise InvalidArgumentError(f"{option} beside --config; valid: --set {name}=VALUE")


@app.command()
def ship(
    run: Annotated[Path, typer.Argument(help="folder of the run")] = Path("runs/tabletop"),
    out: Annotated[Path, typer.Option(help="folder of the shipped model")] = Path("kosmos_agent/weights/tabletop"),
    last: Annotated[bool, typer.Option("--last", help="the last step's weights, not the average")] = False,
) -> None:
    """Write the averaged weights of a run as a bfloat16 checkpoint of at most 25 MB.

    --last: where the rate fell in fewer steps than the average remembers, it lags behind; validation tells.
    """
    with needs("train"):
        from kosmos_agent.cli._train import ship_tabletop

    size = ship_tabletop(run, out, last=last)
    typer.echo(f"{out}: {size / 1e6:.1f} MB")
