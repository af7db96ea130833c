"""The same run on many machines: Ray Train starts the processes, and starts them again where one was lost."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import torch
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError, WorkerGroupError
from ray.train.torch import TorchConfig, TorchTrainer

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError, TrainingError, error_of
from kosmos_agent.ray_cluster import connect
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.recipe.reading import parse_recipe
from kosmos_agent.training.scale.recorded import check_recipe
from kosmos_agent.training.scale.run import Run
from kosmos_agent.training.scale.start import outline
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.index import INDEX_FOLDER, Index
from kosmos_agent.training.sources.opening import opener

_RETRIES = 3
_ERROR_FILE = "ray-error.json"
"""What a worker raised on purpose: another attempt would raise it again."""


@dataclass(frozen=True)
class Cluster:
    """address: of a running cluster; None starts one on this machine. cpus, gpus: of each worker."""

    workers: int
    address: str | None = None
    cpus: float = 1
    gpus: float = 0


def train_on_ray(recipe: Recipe, root: Path, folder: Path, cluster: Cluster, until: int | None = None) -> None:
    """`folder` and the data must be at the same place on every machine (shared storage).

    Recipe and data are checked here before a worker starts. A worker that dies ends the attempt; all begin again from
    the last saved state, up to three times. Coded errors of a worker come out as they are, at once; TrainingError
    where the workers are lost for good, InvalidArgumentError where there is no cluster or it is too small.
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_recipe(recipe, folder)
    opener(recipe, root)(Context.of(recipe, *outline(recipe.model), index=Index(folder / INDEX_FOLDER)))
    (folder / _ERROR_FILE).unlink(missing_ok=True)
    started = connect(cluster.address, max(os.cpu_count() or 1, math.ceil(cluster.workers * cluster.cpus) + 1))
    try:
        require_room(cluster)
        _trainer(recipe, root, folder, cluster, until).fit()
    except (TrainingFailedError, ray.exceptions.RayError) as error:
        raise TrainingError(f"Ray could not go on: {_cause(error)}; the last saved state is in {folder}") from error
    finally:
        if started:
            ray.shutdown()
    if (folder / _ERROR_FILE).exists():
        said = json.loads((folder / _ERROR_FILE).read_text())
        raise error_of(said["code"], said["message"])


def _trainer(recipe: Recipe, root: Path, folder: Path, cluster: Cluster, until: int | None) -> TorchTrainer:
    return TorchTrainer(
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


def require_room(cluster: Cluster) -> None:
    """Ray itself would wait without end for devices that no machine has."""
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for name, each in (("CPU", cluster.cpus), ("GPU", cluster.gpus)):
        if cluster.workers * each > there.get(name, 0):
            raise InvalidArgumentError(
                f"{cluster.workers} workers with {each:g} {name} each; the cluster has {there.get(name, 0):g} {name}"
            )


def _work(settings: dict[str, Any]) -> None:
    """In each worker. What is raised on purpose is written down, and the attempt that follows ends at once."""
    folder = Path(settings["folder"])
    if (folder / _ERROR_FILE).exists():
        return
    try:
        _train(settings, folder)
    except KosmosAgentError as error:
        (folder / _ERROR_FILE).write_text(json.dumps({"code": error.code, "message": str(error)}))
        raise


def _train(settings: dict[str, Any], folder: Path) -> None:
    recipe = parse_recipe(settings["recipe"])
    if not isinstance(recipe, Recipe):
        raise KosmosAgentError(f"no recipe for Ray: {recipe.recipe}")
    Run(recipe, opener(recipe, Path(settings["root"])), folder).train(settings["until"])
    if torch.distributed.is_initialized():
        torch.distributed.barrier()


def _cause(error: Exception) -> str:
    """The first worker's own error, where one had any; Ray's last line otherwise."""
    if isinstance(error, WorkerGroupError) and error.worker_failures:
        error = next(iter(error.worker_failures.values()))
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
