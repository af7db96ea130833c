"""The HTTP server with everything that it is bound to: model, engine, way in, bounds."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass

import typer

from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.network import check_way_in
from kosmos_agent.serving.bodies import BodyLimits
from kosmos_agent.serving.engine import Engine
from kosmos_agent.serving.limits import QueueLimits
from kosmos_agent.serving.local_engine import LocalEngine
from kosmos_agent.serving.looking import ModelLooker
from kosmos_agent.serving.server import TOKEN_VARIABLE, GroundingServer, WayIn
from kosmos_agent.serving.worker import Worker

__all__ = ["TOKEN_VARIABLE", "Bounds", "WayIn", "serve"]


@dataclass(frozen=True)
class Bounds:
    """Of requests: open at a time, bytes and pixels of each."""

    max_requests: int
    max_bytes: int
    max_pixels: int


def serve(model: ModelChoice, way: WayIn, bounds: Bounds, replicas: int | None) -> None:
    """Until a signal comes. replicas: on Ray Serve; None for this process."""
    check_way_in(way.host, way.token, way.names)  # before anybody waits for a model
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    engine = _local(model, bounds) if replicas is None else _replicated(model, bounds, replicas)
    server = GroundingServer(
        engine, way, max_requests=bounds.max_requests, limits=BodyLimits(max_bytes=bounds.max_bytes)
    )
    typer.echo(f"serving at {server.url}, described at {server.url}/openapi.json", err=True)
    server.run()


def _local(model: ModelChoice, bounds: Bounds) -> Engine:
    def made() -> Worker:
        return Worker(ModelLooker(load_grounder(model)), QueueLimits(max_waiting=bounds.max_requests))

    return LocalEngine(made, max_pixels=bounds.max_pixels)


def _replicated(model: ModelChoice, bounds: Bounds, replicas: int) -> Engine:
    with needs("scale"):
        from kosmos_agent.serving.ray_engine import RayEngine
    return RayEngine(
        {"model": model.model, "dtype": model.dtype, "device": model.device, "threads": model.threads},
        replicas=replicas,
        max_requests=bounds.max_requests,
        max_pixels=bounds.max_pixels,
    )
