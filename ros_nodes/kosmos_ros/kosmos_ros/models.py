"""How the grounding node comes by its model: in its own process, or from a server of another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.network import read_token
from kosmos_agent.remote import RemoteGrounder
from kosmos_ros.settings import GroundingSettings

Model: TypeAlias = Grounder | RemoteGrounder
WISHES = {"auto": None, "always": True, "never": False}
TOKEN_VARIABLE, TOKEN_FILE_VARIABLE = "KOSMOS_SERVE_TOKEN", "KOSMOS_SERVE_TOKEN_FILE"


def load_grounder(settings: GroundingSettings) -> Model:
    """Errors as of `Grounder.load`, or of `RemoteGrounder.check` where `model_path` is an address."""
    if settings.model_path.startswith(("http://", "https://")):
        return _remote(settings)
    return Grounder.load(
        settings.model_path,
        dtype=settings.dtype,
        device=settings.device,
        threads=settings.threads or spare_threads(),
        zoom=WISHES[settings.zoom],
        both_ways=WISHES[settings.both_ways],
        runtime=settings.runtime,
    )


def spare_threads() -> int:
    """With the model on every core the executor is kept from its turn for longer than its queue of pictures lasts."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


def _remote(settings: GroundingSettings) -> RemoteGrounder:
    """The token comes from the environment, as anybody in the graph may read a parameter."""
    if (settings.zoom, settings.both_ways) != ("auto", "auto"):
        raise InvalidArgumentError("zoom and both_ways are the server's own; valid with an address: auto")
    file = os.environ.get(TOKEN_FILE_VARIABLE)
    token = read_token(Path(file) if file else None, TOKEN_VARIABLE)
    grounder = RemoteGrounder(settings.model_path, token=token, encoding="ppm")
    grounder.check()
    return grounder
