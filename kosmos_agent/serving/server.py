"""A server that listens from the start, answers within `run`, and ends without breaking off what it has begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kosmos_agent.network import check_way_in, hosts_of, listen, written
from kosmos_agent.serving.app import MAX_REQUESTS, GroundingApp
from kosmos_agent.serving.bodies import BodyLimits
from kosmos_agent.serving.engine import Engine
from kosmos_agent.serving.guard import Guard
from kosmos_agent.serving.uvicorn_server import UvicornServer

DEFAULT_PORT = 8000
TOKEN_VARIABLE = "KOSMOS_SERVE_TOKEN"  # noqa: S105
_GRACE_S = 10


@dataclass(frozen=True)
class WayIn:
    """As in `network.check_way_in`. port 0: any free one."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str | None = None
    names: Sequence[str] = ()


class GroundingServer:
    """Errors of `check_way_in`; InvalidArgumentError when the address cannot be listened on."""

    def __init__(
        self, engine: Engine, way: WayIn, *, max_requests: int = MAX_REQUESTS, limits: BodyLimits | None = None
    ) -> None:
        check_way_in(way.host, way.token, way.names)
        self._listening = listen(way.host, way.port)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://{written(way.host, self.port)}"
        self.app = GroundingApp(engine, max_requests=max_requests, limits=limits, on_failed_start=self.stop)
        hosts = hosts_of(way.host, self.port, way.names)
        guarded = Guard(self.app.api, hosts, way.token, self.app.metrics.turned_away)
        # Connections beyond the requests that are heard, so that there is somebody to say no.
        self._uvicorn = UvicornServer(guarded, self.stop, max_connections=max_requests + 1024, grace_s=_GRACE_S)

    @property
    def started(self) -> bool:
        """The model is loaded, and requests are answered."""
        return self._uvicorn.started

    def run(self) -> None:
        """Until `stop`, SIGINT or SIGTERM. Errors of `Engine.start`."""
        self._uvicorn.run([self._listening])
        if self.app.start_error is not None:
            raise self.app.start_error

    def stop(self) -> None:
        """From any thread. Requests under way have a moment to be answered."""
        self.app.end()
        self._uvicorn.should_exit = True
