"""The engine of many processes: replicas of the model on Ray Serve, behind the same application.

The application in front knows who is let in and what is too much; a replica gets whole requests, makes passes of those
that are there at the same time as `Worker` does, and a request whose replica dies goes to another one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from dataclasses import dataclass
from typing import Any

import ray
from pydantic import TypeAdapter
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle

from kosmos_agent.errors import BusyError, GoalTimeoutError, KosmosAgentError, NotReadyError, UnforeseenError, error_of
from kosmos_agent.grounder import Grounder
from kosmos_agent.serving.engine import Reply, Request
from kosmos_agent.serving.limits import QueueLimits
from kosmos_agent.serving.local_engine import MAX_PIXELS, LocalEngine
from kosmos_agent.serving.looking import ModelLooker
from kosmos_agent.serving.worker import Worker

NAME = "kosmos-agent"
_TOGETHER = 16
"""Requests that a replica has at a time: what its passes are made of. The others wait in front of all replicas."""
_TRIES = 4
_LOST = (RayActorError,)
_REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """What comes back from a replica: a reply as JSON, or an error's code and words."""

    reply: str = ""
    code: str = ""
    message: str = ""


class Replica:
    """One model in a process of its own. grounder: arguments of `Grounder.load`."""

    def __init__(self, grounder: dict[str, Any], max_pixels: int) -> None:
        self._grounder = grounder
        self._engine = LocalEngine(self._made, max_pixels=max_pixels)
        self._starting = asyncio.Lock()

    async def ask(self, request: Request) -> Told:
        await self.warm()
        try:
            reply = await self._engine.ask(request)
        except KosmosAgentError as error:
            return Told(code=error.code, message=str(error))
        return Told(reply=reply.model_dump_json())

    async def warm(self) -> int:
        """Loads the model; the process's id."""
        async with self._starting:
            if not self._engine.ready:
                await self._engine.start()
        return os.getpid()

    def _made(self) -> Worker:
        grounder = Grounder.load(**self._grounder)
        return Worker(ModelLooker(grounder), QueueLimits(max_waiting=2 * _TOGETHER))


class RayEngine:
    """grounder: arguments of `Grounder.load`. address: `local` starts Ray on this machine, for this process alone.

    cpus: of each replica, as Ray counts them.
    """

    def __init__(
        self,
        grounder: dict[str, Any],
        *,
        replicas: int,
        max_requests: int = 64,
        max_pixels: int = MAX_PIXELS,
        address: str = "local",
        cpus: float = 1.0,
    ) -> None:
        self._grounder, self._replicas, self._max_requests = grounder, replicas, max_requests
        self._max_pixels, self._address, self._cpus = max_pixels, address, cpus
        self._handle: DeploymentHandle[Any] | None = None
        self._open = 0
        self.retried = 0

    @property
    def ready(self) -> bool:
        return self._handle is not None

    @property
    def waiting(self) -> int:
        return self._open

    async def start(self) -> None:
        self._handle = await asyncio.to_thread(self._deployed)

    async def ask(self, request: Request) -> Reply:
        if self._handle is None:
            raise NotReadyError("the replicas are not up; ask again later")
        self._open += 1
        try:
            async with asyncio.timeout(request.timeout_s):
                told = await self._asked(self._handle, request)
        except TimeoutError as error:
            raise GoalTimeoutError("the time limit ran out before the answer") from error
        finally:
            self._open -= 1
        if told.code:
            raise error_of(told.code, told.message)
        return _REPLY.validate_json(told.reply)

    async def process_id(self) -> int:
        """Of one replica, whose model is loaded then. NotReadyError."""
        if self._handle is None:
            raise NotReadyError("the replicas are not up")
        pid: int = await self._handle.warm.remote()
        return pid

    async def close(self) -> None:
        self._handle = None
        await asyncio.to_thread(self._ended)

    async def _asked(self, handle: DeploymentHandle[Any], request: Request) -> Told:
        """Asked again of another replica where one dies: a question changes nothing."""
        for _ in range(_TRIES):
            response = handle.ask.remote(request)
            try:
                return await response
            except asyncio.CancelledError:
                response.cancel()  # type: ignore[no-untyped-call]
                raise
            except BackPressureError as error:
                raise BusyError(f"{self._open} questions wait already for {self._replicas} replicas") from error
            except _LOST as error:
                self.retried += 1
                _log.warning("a replica was lost; its request goes to another: %s", type(error).__name__)
        raise UnforeseenError(f"{_TRIES} replicas died of this request")

    def _deployed(self) -> DeploymentHandle[Any]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        cpus = math.ceil(self._cpus * self._replicas) + 1 if self._address == "local" else None
        ray.init(address=self._address, num_cpus=cpus, include_dashboard=False, log_to_driver=False)
        serve.start(proxy_location="Disabled")
        deployment: Any = serve.deployment(
            Replica,
            num_replicas=self._replicas,
            max_ongoing_requests=_TOGETHER,
            max_queued_requests=self._max_requests,
            ray_actor_options={"num_cpus": self._cpus},
            health_check_period_s=1,
        )
        application = deployment.bind(self._grounder, self._max_pixels)
        return serve.run(application, name=NAME, route_prefix=None)

    def _ended(self) -> None:
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()
