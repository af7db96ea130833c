"""`kosmos-agent serve`: one model for many robots, over HTTP."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, needs
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.network import read_token


class EngineName(StrEnum):
    """Where the model runs."""

    LOCAL = "local"
    RAY = "ray"


_TokenFile = Annotated[
    Path | None,
    typer.Option(help="file that holds the token, if not KOSMOS_SERVE_TOKEN does", show_default=False),
]


def serve(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8000,
    token_file: _TokenFile = None,
    allow_host: options.AllowHost = None,
    engine: Annotated[
        EngineName, typer.Option(help="local: in this process; ray: replicas on Ray Serve")
    ] = EngineName.LOCAL,
    replicas: Annotated[
        int | None, typer.Option(min=1, max=256, help="of the model, with --engine ray (1)", show_default=False)
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="of a cluster that is there, with --engine ray", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="of the application on Ray Serve, with --engine ray (a new one)")
    ] = None,
    gpus: Annotated[
        float | None,
        typer.Option(min=0.01, max=16, help="of each replica, with --engine ray (1 on cuda); 0.5: two share one"),
    ] = None,
    max_requests: Annotated[
        int, typer.Option(min=1, max=4096, help="open at a time; those beyond are told to come again (429)")
    ] = 64,
    max_megabytes: Annotated[int, typer.Option(min=1, max=256, help="of one request")] = 16,
    max_megapixels: Annotated[int, typer.Option(min=1, max=64, help="of one picture")] = 16,
    model: options.Model = "tabletop",
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Answer questions about pictures over HTTP; /openapi.json describes them."""
    of_ray = {"--replicas": replicas, "--ray-address": ray_address, "--name": name, "--gpus": gpus}
    if engine is EngineName.LOCAL and (given := [option for option, value in of_ray.items() if value is not None]):
        raise InvalidArgumentError(f"{', '.join(given)}: of replicas on Ray Serve; valid with --engine ray")
    with needs("serve"):
        from kosmos_agent.cli import _serve
    choice = ModelChoice(model, dtype, device, threads, runtime=runtime)
    way = _serve.WayIn(host, port, read_token(token_file, _serve.TOKEN_VARIABLE), tuple(allow_host or ()))
    bounds = _serve.Bounds(max_requests, max_megabytes << 20, max_megapixels * 1_000_000)
    fleet = None if engine is EngineName.LOCAL else _serve.Fleet(replicas or 1, ray_address, name, gpus)
    _serve.serve(choice, way, bounds, fleet)
