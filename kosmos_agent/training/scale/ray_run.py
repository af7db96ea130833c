"""The same run on many machines: Ray Train starts the processes, and starts them again where one was lost."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import torch
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.ray_cluster import connect
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.recipe.reading import parse_recipe
from kosmos_agent.training.scale.run import Run
from kosmos_agent.training.sources.opening import opener

_RETRIES = 3


@dataclass(frozen=True)
class Cluster:
    """address: of a running cluster; None starts one on this machine. cpus, gpus: of each worker."""

    workers: int
    address: str | None = None
    cpus: float = 1
    gpus: float = 0


def train_on_ray(recipe: Recipe, root: Path, folder: Path, cluster: Cluster, until: int | None = None) -> None:
    """`folder` and the data must be at the same place on every machine (shared storage).

    A worker that dies ends the attempt; all begin again from the last saved state, up to three times.
    """
    folder.mkdir(parents=True, exist_ok=True)
    started = connect(cluster.address, max(os.cpu_count() or 1, math.ceil(cluster.workers * cluster.cpus) + 1))
    try:
        trainer = TorchTrainer(
            _work,
            train_loop_config={
                "recipe": recipe.model_dump(mode="json"),
                "root": str(root.resolve()),
                "folder": str(folder.resolve()),
                "until": until,
            },
            torch_config=TorchConfig(backend="nccl" if cluster.gpus else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=cluster.workers,
                use_gpu=cluster.gpus > 0,
                resources_per_worker={"CPU": cluster.cpus, **({"GPU": cluster.gpus} if cluster.gpus else {})},
            ),
            run_config=RunConfig(
                name="ray", storage_path=str(folder.resolve()), failure_config=FailureConfig(max_failures=_RETRIES)
            ),
        )
        trainer.fit()
    finally:
        if started:
            ray.shutdown()


def _work(settings: dict[str, Any]) -> None:
    """In each worker."""
    recipe = parse_recipe(settings["recipe"])
    if not isinstance(recipe, Recipe):
        raise KosmosAgentError(f"no recipe for Ray: {recipe.recipe}")
    Run(recipe, opener(recipe, Path(settings["root"])), Path(settings["folder"])).train(settings["until"])
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
