"""`kosmos-agent serve`: one model for many robots, over HTTP."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, needs
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
    replicas: Annotated[int, typer.Option(min=1, max=256, help="of the model, with --engine ray")] = 1,
    ray_address: Annotated[
        str | None, typer.Option(help="of a cluster that is there, with --engine ray", show_default=False)
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
    with needs("serve"):
        from kosmos_agent.cli import _serve
    choice = ModelChoice(model, dtype, device, threads, runtime=runtime)
    way = _serve.WayIn(host, port, read_token(token_file, _serve.TOKEN_VARIABLE), tuple(allow_host or ()))
    bounds = _serve.Bounds(max_requests, max_megabytes << 20, max_megapixels * 1_000_000)
    _serve.serve(choice, way, bounds, None if engine is EngineName.LOCAL else _serve.Fleet(replicas, ray_address))
