"""The HTTP application: pictures and questions in, the same answers out that `View` gives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import ClientDisconnect

from kosmos_agent.asks import AnswerAsk, Ask, CaptionAsk, DescribeAsk, FindAsk
from kosmos_agent.errors import BusyError, CancelledError, KosmosAgentError, NotReadyError, UnforeseenError
from kosmos_agent.serving.bodies import BodyLimits, read_request
from kosmos_agent.serving.engine import Engine, GroundReply, Reply, TextReply
from kosmos_agent.serving.metrics import Metrics
from kosmos_agent.serving.openapi import body_schema
from kosmos_agent.serving.statuses import documented, failure
from kosmos_agent.version import __version__

MAX_REQUESTS = 64
_DRAINED_BYTES = 1 << 20

_log = logging.getLogger(__name__)

ROUTES: tuple[tuple[str, type[Ask], type[Reply], str], ...] = (
    ("/v1/ground", FindAsk, GroundReply, "Where are the things that these phrases name?"),
    ("/v1/describe", DescribeAsk, TextReply, "What is in these boxes?"),
    ("/v1/caption", CaptionAsk, TextReply, "What is in the picture?"),
    ("/v1/answer", AnswerAsk, TextReply, "Answers to questions about the picture."),
)


class GroundingApp:
    """max_requests: that are read or wait at a time; those beyond are told to come again (429) unread.

    on_failed_start: called where the engine did not start; `start_error` says why.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        max_requests: int = MAX_REQUESTS,
        limits: BodyLimits | None = None,
        on_failed_start: Callable[[], None] = lambda: None,
    ) -> None:
        self.engine, self.metrics = engine, Metrics(lambda: self.open_requests)
        self.open_requests = 0
        self._max_requests, self._limits = max_requests, limits or BodyLimits()
        self._on_failed_start = on_failed_start
        self._ending = False
        self.start_error: KosmosAgentError | None = None
        self.api = self._made()

    def end(self) -> None:
        """No more requests; those that are under way have their answers."""
        self._ending = True

    def _made(self) -> FastAPI:
        api = FastAPI(
            title="kosmos-agent",
            version=__version__,
            docs_url=None,  # its page would load scripts from elsewhere
            redoc_url=None,
            redirect_slashes=False,
            lifespan=self._running,
        )
        for path, ask, reply, summary in ROUTES:
            api.add_api_route(
                path,
                self._endpoint(ask),
                methods=["POST"],
                summary=summary,
                response_model=reply,
                responses=documented(),
                openapi_extra={"requestBody": body_schema(ask)},
            )
        api.add_api_route("/health", self._health, summary="Is the process alive?")
        api.add_api_route("/ready", self._ready, summary="Would a request be answered?")
        api.add_api_route("/metrics", self._metrics, summary="Figures in Prometheus' format", response_class=Response)
        return api

    @contextlib.asynccontextmanager
    async def _running(self, _: FastAPI) -> AsyncIterator[None]:
        try:
            await self.engine.start()
        except KosmosAgentError as error:
            self.start_error = error  # the framework would only log it
            self._on_failed_start()
        try:
            yield
        finally:
            self._ending = True
            await self.engine.close()

    def _endpoint(self, ask: type[Ask]) -> Callable[[HttpRequest], Awaitable[Response]]:
        task = ask.model_fields["task"].default

        async def answer(request: HttpRequest) -> Response:
            begun_s, code = time.monotonic(), "ok"
            try:
                reply = await self._admitted(request, ask)
            except KosmosAgentError as error:
                code = error.code
                return failure(error)
            except Exception as error:  # noqa: BLE001  # one request's fault must not be another's; the log has all of it
                _log.error("%s failed", task, exc_info=error)
                code = UnforeseenError.code
                return failure(UnforeseenError(f"an unforeseen {type(error).__name__}; see the server's log"))
            finally:
                self.metrics.ended(task, code, time.monotonic() - begun_s)
            self.metrics.answered(task, len(reply.answers), reply.age_s)
            return Response(reply.model_dump_json(), media_type="application/json")

        return answer

    async def _admitted(self, http: HttpRequest, ask: type[Ask]) -> Reply:
        if self._ending:
            raise NotReadyError("the server is ending; ask another one")
        if self.open_requests >= self._max_requests:
            await _drain(http, self._limits.max_body_s)
            raise BusyError(f"{self.open_requests} requests are open; valid: at most {self._max_requests} at a time")
        self.open_requests += 1
        try:
            request = await read_request(http, ask, self._limits, _client(http))
            return await _unless_gone(http, self.engine.ask(request))
        except ClientDisconnect as error:
            raise CancelledError("the client has gone") from error
        finally:
            self.open_requests -= 1

    async def _health(self) -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    async def _ready(self) -> JSONResponse:
        if self._ending or not self.engine.ready:
            return failure(NotReadyError("the model is not ready"))
        return JSONResponse({"status": "ready"})

    async def _metrics(self) -> Response:
        return Response(self.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _client(http: HttpRequest) -> str:
    """Whose turn a request takes: that of its connection, as robots behind one address are not one robot."""
    return "nobody" if http.client is None else f"{http.client.host}:{http.client.port}"


async def _drain(http: HttpRequest, patience_s: float) -> None:
    """What a client that is turned away has sent already; it would not hear the answer before it has said this."""
    came = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(patience_s):
            async for chunk in http.stream():
                came += len(chunk)
                if came > _DRAINED_BYTES:
                    return


async def _unless_gone(http: HttpRequest, answer: Awaitable[Any]) -> Any:
    """CancelledError, with the work stopped, once the client has hung up."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_hung_up(http))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise CancelledError("the client has gone")
    finally:
        for task in (work, gone):
            task.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


async def _hung_up(http: HttpRequest) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
