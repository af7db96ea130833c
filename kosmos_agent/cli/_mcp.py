"""The MCP server with everything that it is bound to: model, camera, arm, way in."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import typer
from kosmos_mcp import SkillServer
from kosmos_mcp.http import HttpServer
from kosmos_mcp.lines import take_stdout
from kosmos_mcp.stdio import serve_stdio

from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.network import check_way_in
from kosmos_agent.robot.planner import Planner
from kosmos_agent.skills import CameraSource, Skills

TOKEN_VARIABLE = "KOSMOS_MCP_TOKEN"  # noqa: S105
SIM = "sim"


@dataclass(frozen=True)
class WayIn:
    """Of the HTTP transport; see `network.check_way_in`."""

    host: str
    port: int
    token: str | None
    names: tuple[str, ...]


@dataclass(frozen=True)
class SightChoice:
    """camera: as the option has it. root: folder of pictures. allow_motion: None where the camera decides."""

    camera: str
    root: Path
    seed: int
    pictures: bool
    allow_motion: bool | None


def serve(model: ModelChoice, sight: SightChoice, way: WayIn | None) -> None:
    """Until the client has gone or a signal comes. way: None for stdio."""
    if way is not None:
        # Before anybody waits for a model.
        check_way_in(way.host, way.token, way.names, source=f"--token-file or {TOKEN_VARIABLE}")
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
        http = HttpServer(bound_server(model, sight), host=way.host, port=way.port, token=way.token, names=way.names)
        typer.echo(f"serving MCP at {http.url}", err=True)
        http.run()
        return
    out = take_stdout()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    serve_stdio(bound_server(model, sight), out)


def bound_server(model: ModelChoice, sight: SightChoice) -> SkillServer:
    """What the options bind. InvalidArgumentError: motion without an arm, a camera that there is not."""
    if sight.allow_motion and sight.camera != SIM:
        raise InvalidArgumentError(f"--allow-motion: no arm is bound to {sight.camera}; valid: --camera {SIM}")
    camera, planner = _bound(sight)
    moves = planner is not None and sight.allow_motion is not False
    skills = Skills(camera, load_grounder(model), planner if moves else None)
    return SkillServer(skills, allow_motion=moves, pictures=sight.pictures)


def _bound(sight: SightChoice) -> tuple[CameraSource, Planner | None]:
    if sight.camera == SIM:
        with needs("sim"):
            from kosmos_sim.camera_source import SimCamera
            from kosmos_sim.world import Tabletop
        world = Tabletop.random(sight.seed, ("cup", "red"))
        return SimCamera(world), world.planner
    from kosmos_agent.cameras import open_camera

    return open_camera(sight.camera, root=sight.root), None
