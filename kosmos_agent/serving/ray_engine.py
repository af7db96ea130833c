"""The engine of many processes: replicas of the model on Ray Serve, behind the same application.

The application in front knows who is let in and what is too much; a replica gets whole requests, makes passes of those
that are there at the same time as `Worker` does, and a request whose replica dies goes to another one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import threading
import uuid
from dataclasses import dataclass
from typing import Any

import ray
from pydantic import TypeAdapter
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from kosmos_agent.errors import (
    BusyError,
    GoalTimeoutError,
    InvalidArgumentError,
    KosmosAgentError,
    NotReadyError,
    UnforeseenError,
    error_of,
)
from kosmos_agent.grounder import Grounder
from kosmos_agent.ray_cluster import connect, require_gpus
from kosmos_agent.serving.engine import Reply, Request
from kosmos_agent.serving.limits import QueueLimits
from kosmos_agent.serving.local_engine import MAX_PIXELS, LocalEngine
from kosmos_agent.serving.looking import ModelLooker
from kosmos_agent.serving.replica_watch import ReplicaWatch
from kosmos_agent.serving.worker import Worker

_TOGETHER = 16
"""Requests that a replica has at a time: what its passes are made of. The others wait in front of all replicas."""
_TRIES = 4
_MAX_WORDS = 400
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
        # Loaded here, as Ray takes a replica for ready when it is made.
        self._worker = Worker(ModelLooker(Grounder.load(**grounder)), QueueLimits(max_waiting=2 * _TOGETHER))
        self._worker.start()
        self._engine = LocalEngine(lambda: self._worker, max_pixels=max_pixels)

    def check_health(self) -> None:
        """Ray asks now and then, and makes another one in place of what raises."""
        if not self._worker.alive:
            raise UnforeseenError("the inference thread has ended")

    async def ask(self, request: Request) -> Told:
        await self._engine.start()
        try:
            reply = await self._engine.ask(request)
        except KosmosAgentError as error:
            return Told(code=error.code, message=str(error))
        return Told(reply=reply.model_dump_json())

    async def process_id(self) -> int:
        return os.getpid()


@dataclass(frozen=True)
class Resources:
    """Of each replica, as Ray counts them. A part of a GPU is shared with as many others as it leaves room for."""

    cpus: float = 1.0
    gpus: float = 0.0

    @property
    def actor_options(self) -> dict[str, float]:
        """Without `num_gpus` a replica sees no GPU at all."""
        return {"num_cpus": self.cpus, "num_gpus": self.gpus}


class RayEngine:
    """grounder: arguments of `Grounder.load`. address: of a running cluster; None starts Ray on this machine.

    name: of the application on the cluster, which others may share; None makes one that nobody else has.
    waiting: requests without an answer. retried: asked of another replica.
    """

    def __init__(
        self,
        grounder: dict[str, Any],
        *,
        replicas: int,
        max_requests: int = 64,
        max_pixels: int = MAX_PIXELS,
        address: str | None = None,
        name: str | None = None,
        each: Resources = Resources(),  # it is frozen
    ) -> None:
        self.name = name or f"kosmos-agent-{uuid.uuid4().hex[:12]}"
        self._grounder, self._replicas, self._max_requests = grounder, replicas, max_requests
        self._max_pixels, self._address, self._each = max_pixels, address, each
        self._handle: DeploymentHandle[Any] | None = None
        self._watch = ReplicaWatch(self._running)
        self._connected = self._deployed = False
        self.waiting = 0
        self.retried = 0

    @property
    def ready(self) -> bool:
        """A replica runs, as Serve's own controller said a moment ago."""
        return self._handle is not None and self._watch.any_running

    async def start(self) -> None:
        """NotReadyError where Ray or a replica does not come up. InvalidArgumentError where no cluster answers, and for
        a name that another application has."""
        try:
            self._handle = await asyncio.to_thread(self._deploy)
            await asyncio.to_thread(self._watch.start)
        except KosmosAgentError:
            raise
        except Exception as error:  # Ray has no base of its own for what keeps it from starting
            raise NotReadyError(f"the replicas did not start: {str(error)[-_MAX_WORDS:]}") from error
        _take_signals_back()

    async def ask(self, request: Request) -> Reply:
        if self._handle is None:
            raise NotReadyError("the replicas are not up; ask again later")
        self.waiting += 1
        try:
            async with asyncio.timeout(request.timeout_s):
                told = await self._asked(self._handle, request)
        except TimeoutError as error:
            raise GoalTimeoutError("the time limit ran out before the answer") from error
        finally:
            self.waiting -= 1
        if told.code:
            raise error_of(told.code, told.message)
        return _REPLY.validate_json(told.reply)

    async def process_id(self) -> int:
        """Of one replica. NotReadyError."""
        if self._handle is None:
            raise NotReadyError("the replicas are not up")
        pid: int = await self._handle.process_id.remote()
        return pid

    async def close(self) -> None:
        self._handle = None
        self._watch.stop()
        await asyncio.to_thread(self._end)

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
                raise BusyError(f"{self.waiting} questions wait already for {self._replicas} replicas") from error
            except DeploymentUnavailableError as error:
                raise NotReadyError("the replicas cannot be started; see Ray Serve's log") from error
            except _LOST as error:
                self.retried += 1
                _log.warning("a replica was lost; its request goes to another: %s", type(error).__name__)
        raise UnforeseenError(f"{_TRIES} replicas died of this request")

    def _deploy(self) -> DeploymentHandle[Any]:
        self._connected = connect(self._address, math.ceil(self._each.cpus * self._replicas) + 1)
        if self._connected and self._address is None:
            require_gpus(self._each.gpus * self._replicas)
        serve.start(proxy_location="Disabled")
        if self.name in serve.status().applications:
            raise InvalidArgumentError(f"an application {self.name!r} is on this cluster already; valid: another name")
        self._deployed = True
        application = self._deployment().bind(self._grounder, self._max_pixels)
        return serve.run(application, name=self.name, route_prefix=None)

    def _deployment(self) -> Any:
        return serve.deployment(
            Replica,
            num_replicas=self._replicas,
            max_ongoing_requests=_TOGETHER,
            max_queued_requests=self._max_requests,
            ray_actor_options=self._each.actor_options,
            health_check_period_s=1,
        )

    def _running(self) -> int:
        applications: Any = serve.status().applications  # its states are words, whatever its annotations say
        deployments = applications[self.name].deployments.values() if self.name in applications else ()
        return sum(item.replica_states.get("RUNNING", 0) for item in deployments)

    def _end(self) -> None:
        """Of a cluster that others share only our own application is taken away."""
        try:
            if self._connected and self._address is None:
                serve.shutdown()  # type: ignore[no-untyped-call]
            elif self._deployed:
                serve.delete(self.name)
        except Exception as error:  # noqa: BLE001  # a cluster that is lost must not keep the server from ending
            _log.warning("the application %s may still be on the cluster: %s", self.name, type(error).__name__)
        finally:
            if self._connected:
                ray.shutdown()


def _take_signals_back() -> None:
    """Ray makes SIGTERM an abort, below Python; set again, Python's own handlers are heard."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.getsignal(number))
