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
        except (ConnectionError, ValueError) as error:
            raise InvalidArgumentError(
                f"no Ray cluster at {address} ({error}); valid: HOST:PORT of one, auto where one runs on this machine, "
                "or no address"
            ) from error
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
