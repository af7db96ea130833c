"""The HTTP transport: many clients, on this machine alone unless a token guards the way in."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from kosmos_agent.errors import InvalidArgumentError
from kosmos_mcp import sdk
from kosmos_mcp.server import SkillServer

PATH = "/mcp"
DEFAULT_PORT = 8765
MIN_TOKEN_CHARACTERS = 16
_MAX_CONNECTIONS = 128
_GRACE_S = 2


def check_way_in(host: str, token: str | None, names: Sequence[str] = ()) -> None:
    """InvalidArgumentError: beyond loopback without a token, a token too short, or a wildcard address without `names`.

    names: host names under which clients reach a server that listens on all addresses.
    """
    if token is not None and (len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or " " in token):
        raise InvalidArgumentError(f"this token is no good; valid: {MIN_TOKEN_CHARACTERS} ASCII characters or more")
    if not is_loopback(host) and token is None:
        raise InvalidArgumentError(
            f"{host} can be reached from other machines; valid there: with a token (--token-file or KOSMOS_MCP_TOKEN)"
        )
    if _is_wildcard(host) and not names:
        raise InvalidArgumentError(
            f"{host} is every address of this machine; valid: with --allow-host NAME, the name that clients use"
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class HttpServer:
    """Listens from the start, answers within `run`. port 0: any free one. names: as in `check_way_in`.

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
        self._listening = _listen(host, port)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://{_written(host, self.port)}{PATH}"
        self._uvicorn = _Uvicorn(application(server, hosts_of(host, self.port, names), token), self.stop)

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


def hosts_of(host: str, port: int, names: Sequence[str]) -> list[str]:
    """Valid `Host` headers of requests to this address."""
    own = [] if _is_wildcard(host) else [host]
    if is_loopback(host):
        own += ["127.0.0.1", "localhost", "::1"]
    return [_written(name, port) for name in dict.fromkeys([*own, *names])]


class _Uvicorn(uvicorn.Server):
    """on_signal: what a signal does, in place of ending the process before the arm has halted."""

    def __init__(self, app: Starlette, on_signal: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=_MAX_CONNECTIONS,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self._on_signal = on_signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self._on_signal()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise InvalidArgumentError(f"cannot listen on {_written(host, port)}: {error.strerror or error}") from error
    return listening


def _is_wildcard(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
