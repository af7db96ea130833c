"""The same pictures on Ray: one model in each worker, records in the order of the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util import ActorPool

from kosmos_agent.errors import EvaluationError, KosmosAgentError
from kosmos_agent.evaluation.asking.asker import Asker
from kosmos_agent.evaluation.batch.run import Answering, Identified, PictureOfSamples, answer_picture
from kosmos_agent.evaluation.benchmarks.samples import Sample
from kosmos_agent.grounder import Grounder
from kosmos_agent.ray_cluster import connect, require_gpus

S = TypeVar("S", bound=Sample)
R = TypeVar("R", bound=Identified)

_RESTARTS = 2
"""A worker that dies (memory, a lost machine) is started again so often, and its picture asked again."""


class _Worker:
    """The model is loaded for the first picture, as an error of that keeps its code, and one of an actor's making does
    not."""

    def __init__(self, load: Callable[[], Grounder], asker: Asker[Any, Any]) -> None:
        self._load, self._asker = load, asker
        self._grounder: Grounder | None = None

    def answer(self, picture: PictureOfSamples[Any]) -> list[Any]:
        if self._grounder is None:
            self._grounder = self._load()
        return answer_picture(self._grounder, self._asker, picture)


def on_ray(
    load: Callable[[], Grounder],
    asker: Asker[S, R],
    workers: int,
    address: str | None,
    *,
    cpus: int = 1,
    gpus: int = 0,
) -> Answering[S, R]:
    """workers: models side by side, `cpus` CPUs and `gpus` GPUs each. address: a cluster's; a local Ray without.

    On a cluster every machine must see the pictures and the model under the same paths. The first error of a worker is
    raised here, as the coded error that it is. InvalidArgumentError when the cluster cannot be reached or this machine
    has too few GPUs, EvaluationError when Ray does not start, or fails beyond the restarts.
    """

    def answer(pictures: Sequence[PictureOfSamples[S]]) -> Iterator[list[R]]:
        if not pictures:
            return
        count = min(workers, len(pictures))
        started = _started(address, count * cpus)
        models: list[Any] = []
        try:
            if started and address is None:
                require_gpus(count * gpus)
            remote = ray.remote(
                num_cpus=cpus, num_gpus=gpus, max_restarts=_RESTARTS, max_task_retries=_RESTARTS
            )(_Worker)  # fmt: skip
            models += [remote.remote(load, asker) for _ in range(count)]
            pool: Any = ActorPool(models)
            yield from pool.map(lambda worker, picture: worker.answer.remote(picture), list(pictures))
        except RayTaskError as error:
            if isinstance(error.cause, KosmosAgentError):
                raise error.cause from error
            raise EvaluationError(f"a worker failed: {error.cause!r}; finished pictures are kept") from error
        except RayError as error:
            raise EvaluationError(f"Ray could not go on: {error}; finished pictures are kept") from error
        finally:
            # An error that somebody keeps would keep them alive, and their CPUs and GPUs taken, on a Ray that goes on.
            with suppress(RayError):
                for model in models:
                    ray.kill(model)
            if started:
                ray.shutdown()

    return answer


def _started(address: str | None, cpus: int) -> bool:
    """As `connect`; EvaluationError where a Ray on this machine does not start."""
    try:
        return connect(address, cpus)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise EvaluationError(f"Ray did not start on this machine: {error}") from error
