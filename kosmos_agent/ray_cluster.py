"""A Ray cluster that is joined, or one that is started on this machine: the same way for data, training, evaluation and
serving."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import ray

from kosmos_agent.errors import InvalidArgumentError

_PATIENCE_S = 5.0


def connect(address: str | None, cpus: int) -> bool:
    """Whether it is ours to shut down: one that this process has joined already is used and left as it is.

    address: of a running cluster; None starts one of `cpus` on this machine, whatever else runs here, which ends with
    this process. Nobody is told that it runs. Ray listens on the machine's address and lets in who holds its token.
    InvalidArgumentError where nothing answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if ray.is_initialized():
        return False
    if address is None:
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False)
    else:
        _require_listener(address)
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InvalidArgumentError(
                f"no Ray cluster at {address} ({error}); valid: HOST:PORT of one that runs, auto on a machine of it, "
                "or no address"
            ) from error
    return True


def gpus_for(device: str) -> int:
    """Of one model on `device`, as Ray counts them: without one, its process sees none.

    InvalidArgumentError for a numbered GPU: each process sees its own alone, as the first.
    """
    kind, _, number = device.partition(":")
    if kind == "cuda" and number:
        raise InvalidArgumentError(f"--device {device}: Ray chooses the GPU of each process; valid: --device cuda")
    return int(kind == "cuda")


def require_gpus(wanted: float) -> None:
    """InvalidArgumentError where the Ray that is joined has fewer: it would wait for more for ever."""
    there = ray.cluster_resources().get("GPU", 0.0)  # type: ignore[no-untyped-call]
    if wanted > there:
        raise InvalidArgumentError(f"{wanted:g} GPUs are asked for and Ray has {there:g}; valid: at most {there:g}")


def _require_listener(address: str) -> None:
    """Ray itself goes on trying for minutes where nothing listens. `auto` names no machine."""
    place = urlsplit(address if "//" in address else f"//{address}")
    if place.hostname is None or place.port is None:
        return
    try:
        socket.create_connection((place.hostname, place.port), _PATIENCE_S).close()
    except OSError as error:
        raise InvalidArgumentError(f"no Ray cluster answers at {address} ({error})") from error
