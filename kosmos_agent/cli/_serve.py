"""The HTTP server with everything that it is bound to: model, engine, way in, bounds."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass

import typer

from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.model.folder import absolute_name
from kosmos_agent.network import check_way_in
from kosmos_agent.serving.bodies import BodyLimits
from kosmos_agent.serving.engine import Engine
from kosmos_agent.serving.limits import QueueLimits
from kosmos_agent.serving.local_engine import LocalEngine
from kosmos_agent.serving.looking import ModelLooker
from kosmos_agent.serving.server import TOKEN_VARIABLE, GroundingServer, WayIn
from kosmos_agent.serving.worker import Worker

__all__ = ["TOKEN_VARIABLE", "Bounds", "Fleet", "WayIn", "serve"]


@dataclass(frozen=True)
class Bounds:
    """Of requests: open at a time, bytes and pixels of each."""

    max_requests: int
    max_bytes: int
    max_pixels: int


@dataclass(frozen=True)
class Fleet:
    """Of replicas on Ray Serve. address: of the cluster; None starts Ray on this machine.

    name: of the application; None makes one up. gpus: of each replica; None: as the device needs it.
    """

    replicas: int
    address: str | None = None
    name: str | None = None
    gpus: float | None = None


def serve(model: ModelChoice, way: WayIn, bounds: Bounds, fleet: Fleet | None) -> None:
    """Until a signal comes. fleet: None for a model in this process."""
    # Before anybody waits for a model.
    check_way_in(way.host, way.token, way.names, source=f"--token-file or {TOKEN_VARIABLE}")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    engine = _local(model, bounds) if fleet is None else _replicated(model, bounds, fleet)
    server = GroundingServer(
        engine, way, max_requests=bounds.max_requests, limits=BodyLimits(max_bytes=bounds.max_bytes)
    )
    typer.echo(f"serving at {server.url}, described at {server.url}/openapi.json", err=True)
    server.run()


def _local(model: ModelChoice, bounds: Bounds) -> Engine:
    def made() -> Worker:
        return Worker(ModelLooker(load_grounder(model)), QueueLimits(max_waiting=bounds.max_requests))

    return LocalEngine(made, max_pixels=bounds.max_pixels)


def _replicated(model: ModelChoice, bounds: Bounds, fleet: Fleet) -> Engine:
    """Errors of `model.folder.locate` here, as a replica's would take Ray minutes to tell."""
    with needs("scale"):
        from kosmos_agent.ray_cluster import gpus_for
        from kosmos_agent.serving.ray_engine import RayEngine, Resources
    gpus = gpus_for(model.device)
    if fleet.gpus is not None and not gpus:
        raise InvalidArgumentError(f"--gpus {fleet.gpus:g} on --device {model.device}; valid with --device cuda")
    settings = {name: getattr(model, name) for name in ("dtype", "device", "threads", "runtime")}
    return RayEngine(
        {"model": absolute_name(model.model), **settings},
        replicas=fleet.replicas,
        address=fleet.address,
        name=fleet.name,
        max_requests=bounds.max_requests,
        max_pixels=bounds.max_pixels,
        each=Resources(cpus=model.threads or 1, gpus=gpus if fleet.gpus is None else fleet.gpus),
    )
