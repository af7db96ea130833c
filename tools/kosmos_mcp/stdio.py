"""The stdio transport: one client, which started this process."""

from __future__ import annotations

import asyncio
import logging
import signal

import anyio

from kosmos_mcp import sdk
from kosmos_mcp.lines import Lines, Out
from kosmos_mcp.server import SkillServer

_log = logging.getLogger(__name__)


def serve_stdio(server: SkillServer, out_descriptor: int, in_descriptor: int = 0) -> None:
    """Until the client closes its end, or SIGINT or SIGTERM; whatever moves is stopped before this returns."""
    try:
        anyio.run(_serve, server, in_descriptor, out_descriptor)
    finally:
        server.close()


async def _serve(server: SkillServer, in_descriptor: int, out_descriptor: int) -> None:
    with anyio.CancelScope() as scope:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, scope.cancel)
        try:
            await sdk.run_on_lines(sdk.protocol_server(server), Lines(in_descriptor), Out(out_descriptor))
        except* BrokenPipeError:
            _log.info("the client has gone")
