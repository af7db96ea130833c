"""`kosmos-agent mcp`: the skills for any client of the Model Context Protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, needs
from kosmos_agent.network import read_token

_Camera = Annotated[
    str,
    typer.Option(help="sim, file:PICTURE, folder:FOLDER, frames:FOLDER, video:FILE or webcam:N; files under --root"),
]
_Root = Annotated[Path, typer.Option(help="folder that pictures are read from, and no other", show_default="here")]
_Motion = Annotated[
    bool | None,
    typer.Option(
        "--allow-motion/--no-motion", help="serve the tools that move the arm (in the simulation)", show_default=False
    ),
]
_TokenFile = Annotated[
    Path | None,
    typer.Option(help="file that holds the token for HTTP, if not KOSMOS_MCP_TOKEN does", show_default=False),
]


def mcp(
    http: Annotated[bool, typer.Option("--http", help="streamable HTTP instead of stdio")] = False,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8765,
    token_file: _TokenFile = None,
    allow_host: options.AllowHost = None,
    camera: _Camera = "sim",
    root: _Root = Path("."),
    seed: Annotated[int, typer.Option(min=0, help="which simulated table is laid")] = 0,
    pictures: Annotated[bool, typer.Option("--pictures", help="send the picture with boxes along")] = False,
    allow_motion: _Motion = None,
    model: options.Model = "tabletop",
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Serve the skills as tools, over stdio to the client that starts this, or over HTTP."""
    with needs("agent"):
        from kosmos_agent.cli import _mcp
    way = _mcp.WayIn(host, port, read_token(token_file, _mcp.TOKEN_VARIABLE), tuple(allow_host or ())) if http else None
    sight = _mcp.SightChoice(camera, root, seed, pictures, allow_motion)
    _mcp.serve(ModelChoice(model, dtype, device, threads, runtime=runtime), sight, way)
