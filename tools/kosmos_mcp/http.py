"""The HTTP transport: many clients, on this machine alone unless a token guards the way in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from starlette.applications import Starlette
from starlette.routing import Route

from kosmos_agent.network import check_way_in, hosts_of, listen, written
from kosmos_agent.serving.uvicorn_server import UvicornServer
from kosmos_mcp import sdk
from kosmos_mcp.server import SkillServer

PATH = "/mcp"
DEFAULT_PORT = 8765
_MAX_CONNECTIONS = 128
_GRACE_S = 2


class HttpServer:
    """Listens from the start, answers within `run`. port 0: any free one. names: as in `network.check_way_in`.

    Errors of `check_way_in`; InvalidArgumentError when the address cannot be listened on.
    """

    def __init__(
        self,
        server: SkillServer,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        token: str | None = None,
        names: Sequence[str] = (),
    ) -> None:
        check_way_in(host, token, names)
        self._server = server
        self._listening = listen(host, port)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://{written(host, self.port)}{PATH}"
        app = application(server, hosts_of(host, self.port, names), token)
        self._uvicorn = UvicornServer(app, self.stop, max_connections=_MAX_CONNECTIONS, grace_s=_GRACE_S)

    def run(self) -> None:
        """Until `stop`, SIGINT or SIGTERM; whatever moves is stopped before this returns."""
        try:
            self._uvicorn.run([self._listening])
        finally:
            self._server.close()

    def stop(self) -> None:
        """From any thread. Halts the arm at once; clients have a moment to hear of it."""
        self._server.stop()
        self._uvicorn.should_exit = True


def application(server: SkillServer, hosts: Sequence[str], token: str | None) -> Starlette:
    """hosts: valid `Host` headers."""
    endpoint = sdk.HttpEndpoint(sdk.protocol_server(server), hosts, token)

    @contextlib.asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        async with endpoint.running():
            yield

    app = Starlette(routes=[Route(PATH, endpoint)], lifespan=running)
    app.router.redirect_slashes = False  # a redirect would go to whatever host a request names
    return app
