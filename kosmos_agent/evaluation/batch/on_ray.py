"""The same pictures on Ray: one model in each worker, records in the order of the pictures."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util import ActorPool

from kosmos_agent.errors import EvaluationError, InvalidArgumentError, KosmosAgentError
from kosmos_agent.evaluation.asking.asker import Asker
from kosmos_agent.evaluation.batch.run import Answering, Identified, PictureOfSamples, answer_picture
from kosmos_agent.evaluation.benchmarks.samples import Sample
from kosmos_agent.grounder import Grounder

S = TypeVar("S", bound=Sample)
R = TypeVar("R", bound=Identified)

_RESTARTS = 2
"""A worker that dies (memory, a lost machine) is started again so often, and its picture asked again."""
_PATIENCE_S = 5.0


class _Worker:
    def __init__(self, load: Callable[[], Grounder], asker: Asker[Any, Any]) -> None:
        self._grounder = load()
        self._asker = asker

    def answer(self, picture: PictureOfSamples[Any]) -> list[Any]:
        return answer_picture(self._grounder, self._asker, picture)


def on_ray(
    load: Callable[[], Grounder], asker: Asker[S, R], workers: int, address: str | None, *, gpus: int = 0
) -> Answering[S, R]:
    """workers: models side by side, one CPU and `gpus` GPUs each. address: a cluster's; a local Ray without.

    On a cluster every machine must see the pictures and the model under the same paths. The first error of a worker is
    raised here, as the coded error that it is. InvalidArgumentError when the cluster cannot be reached, EvaluationError
    when it fails beyond the restarts.
    """

    def answer(pictures: Sequence[PictureOfSamples[S]]) -> Iterator[list[R]]:
        if not pictures:
            return
        started = _connect(workers, address)
        try:
            remote = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=_RESTARTS, max_task_retries=_RESTARTS)(_Worker)
            pool: Any = ActorPool([remote.remote(load, asker) for _ in range(min(workers, len(pictures)))])
            yield from pool.map(lambda worker, picture: worker.answer.remote(picture), list(pictures))
        except RayTaskError as error:
            if isinstance(error.cause, KosmosAgentError):
                raise error.cause from error
            raise
        except RayError as error:
            raise EvaluationError(f"Ray could not go on: {error}; finished pictures are kept") from error
        finally:
            if started:
                ray.shutdown()

    return answer


def _connect(workers: int, address: str | None) -> bool:
    """Whether Ray was started here: one that runs already is used and left running.

    A local Ray listens on loopback alone, and tells nobody that it runs.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if ray.is_initialized():
        return False
    if address is None:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
        return True
    _require_listener(address)
    ray.init(address=address, log_to_driver=False)
    return True


def _require_listener(address: str) -> None:
    """Ray itself goes on trying for minutes where nothing listens. `auto` names no machine."""
    place = urlsplit(address if "//" in address else f"//{address}")
    if place.hostname is None or place.port is None:
        return
    try:
        socket.create_connection((place.hostname, place.port), _PATIENCE_S).close()
    except OSError as error:
        raise InvalidArgumentError(f"no Ray cluster answers at {address} ({error})") from error
