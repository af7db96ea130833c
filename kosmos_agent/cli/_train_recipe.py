"""Runs and plans of recipes; imported only by the commands that need them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from kosmos_agent.training.plan.inputs import measured_samples, planned_config
from kosmos_agent.training.plan.plan import Hardware, Plan, plan
from kosmos_agent.training.plan.tabletop import as_counted
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.recipe.reading import read_any, read_recipe
from kosmos_agent.training.recipe.tabletop import TabletopRecipe
from kosmos_agent.training.scale.run import Run
from kosmos_agent.training.sources.opening import opener

_GB = 1e9


@dataclass(frozen=True)
class Job:
    """kind: pretrain or instruct. config: a file or a shipped name. changes: see `read_recipe`."""

    kind: str
    config: str
    data: Path
    run: Path
    changes: tuple[str, ...]
    stop_at: int | None

    def recipe(self) -> Recipe:
        return read_recipe(self.config, self.kind, self.changes)


@dataclass(frozen=True)
class Ray:
    workers: int
    address: str | None
    gpus_per_worker: float


def train(job: Job, ray: Ray | None) -> None:
    """To the end of the recipe or to `stop_at`; the same command goes on."""
    recipe = job.recipe()
    if ray is None:
        run = Run(recipe, opener(recipe, job.data), job.run)
        done = run.train(job.stop_at)
        if run.leads:
            typer.echo(
                f"{job.run / 'model'}" if done else f"saved at step {run.progress.step}; the same command goes on"
            )
        return
    from kosmos_agent.training.scale.ray_run import Cluster, train_on_ray

    cluster = Cluster(ray.workers, ray.address, gpus=ray.gpus_per_worker)
    train_on_ray(recipe, job.data, job.run, cluster, job.stop_at)


def counted_recipe(config: str, changes: tuple[str, ...]) -> Recipe:
    """Of any kind, as a plan counts it."""
    recipe = read_any(config, changes)
    return as_counted(recipe) if isinstance(recipe, TabletopRecipe) else recipe


def make_plan(recipe: Recipe, data: Path | None, devices: int, tflops: float, mfu: float, *, as_json: bool) -> None:
    """data: the folder that the recipe's paths start from; None looks at none."""
    found = plan(recipe, planned_config(recipe), measured_samples(recipe, data), Hardware(devices, tflops, mfu))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    else:
        _print_plan(found, recipe)


def _print_plan(found: Plan, recipe: Recipe) -> None:
    console = Console()
    parts = Table("part", "parameters", "trained", title="parameters")
    for name, (whole, trained) in found.parameters.items():
        parts.add_row(name, f"{whole:,}", f"{trained:,}")
    totals = [sum(column) for column in zip(*found.parameters.values(), strict=True)]
    parts.add_row("all", f"{totals[0]:,}", f"{totals[1]:,}")
    step = Table("source", "samples", "tokens", "pictures", title="one step")
    for item in recipe.data:
        tokens, pictures = found.tokens[item.title], found.pictures[item.title]
        step.add_row(item.title, f"{item.per_step:,}", f"{tokens:,.0f}", f"{pictures:,.0f}")
    samples = sum(item.per_step for item in recipe.data)
    step.add_row("all", f"{samples:,}", f"{found.tokens_per_step:,.0f}", f"{sum(found.pictures.values()):,.0f}")
    memory = Table("on one device", "GB", title=f"memory, sharding {recipe.compute.sharding}")
    for name in ("weights", "gradients", "moments", "working_weights", "activations", "total"):
        memory.add_row(name.replace("_", " "), f"{getattr(found.memory, name) / _GB:.2f}")
    for table in (parts, step, memory):
        console.print(table)
    hardware, step_tflop = found.hardware, found.flops_per_step / 1e12
    console.print(
        f"{recipe.schedule.steps:,} steps of {step_tflop:,.1f} TFLOP, {found.passes} pass(es) a device and step: "
        f"{found.hours:,.1f} hours on {hardware.devices} x {hardware.tflops:g} TFLOP/s at {hardware.mfu:.0%}"
    )
