"""The only file that knows the protocol's library (mcp 1.30): a `SkillServer` in its types, and its two transports."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import anyio
from mcp import types
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from kosmos_agent.network import same_token
from kosmos_agent.skills import Skill
from kosmos_agent.version import __version__
from kosmos_mcp.calls import Tell
from kosmos_mcp.lines import Lines, Out
from kosmos_mcp.replies import PICTURE_TYPE, Reply
from kosmos_mcp.schemas import input_schema, output_schema
from kosmos_mcp.server import NAME, SkillServer, untold

ERROR_KEY = "kosmos-agent/error"
"""Under it a failed call's `_meta` holds the code and the message apart."""
MAX_BODY_BYTES = 1 << 20
MAX_SESSIONS = 64

ProtocolServer: TypeAlias = Server[Any, Any]


def protocol_server(skills: SkillServer) -> ProtocolServer:
    """Ready to be run on any transport."""
    server: ProtocolServer = Server(NAME, __version__, skills.instructions)

    async def list_tools(_: types.ListToolsRequest) -> types.ServerResult:
        return types.ServerResult(types.ListToolsResult(tools=[_tool(skill) for skill in skills.tools]))

    async def call_tool(request: types.CallToolRequest) -> types.ServerResult:
        asked = request.params
        reply = await skills.call(asked.name, asked.arguments or {}, _teller(server))
        return types.ServerResult(_result(reply))

    # Set here and not by the library's decorators, which would check arguments before us and name no valid ones.
    server.request_handlers[types.ListToolsRequest] = list_tools
    server.request_handlers[types.CallToolRequest] = call_tool
    return server


async def run_on_lines(server: ProtocolServer, lines: Lines, out: Out) -> None:
    """Serves one client, a message a line, until its lines end."""
    async with stdio_server(cast(Any, lines), cast(Any, out)) as (read, write):
        await server.run(read, write, server.create_initialization_options())


class HttpEndpoint:
    """An ASGI application that speaks streamable HTTP. Requests come within `running`.

    hosts: valid `Host` headers. A request of a web page (an `Origin` header) is refused: no page is meant to ask.
    token: None lets everyone in who gets here.
    """

    def __init__(self, server: ProtocolServer, hosts: Sequence[str], token: str | None) -> None:
        security = TransportSecuritySettings(
            enable_dns_rebinding_protection=True, allowed_hosts=list(hosts), allowed_origins=[]
        )
        self._sessions = StreamableHTTPSessionManager(
            server, security_settings=security, max_request_body_size=MAX_BODY_BYTES, max_sessions=MAX_SESSIONS
        )
        logging.getLogger("mcp.server.streamable_http").addFilter(_GOODBYES)
        self.running = self._sessions.run
        served: ASGIApp = self._sessions.handle_request
        self._served = served if token is None else _guarded(served, token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._served(scope, receive, send)


class _Goodbyes(logging.Filter):
    """The library logs each client that leaves as an error of its own."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], anyio.ClosedResourceError))


_GOODBYES = _Goodbyes()


class _OneToken:
    def __init__(self, token: str) -> None:
        self._token = token

    async def verify_token(self, token: str) -> AccessToken | None:
        if not same_token(token, self._token):
            return None
        return AccessToken(token=token, client_id="holder of the token", scopes=[])


def _guarded(app: ASGIApp, token: str) -> ASGIApp:
    return AuthenticationMiddleware(RequireAuthMiddleware(app, []), BearerAuthBackend(_OneToken(token)))


def _tool(skill: Skill) -> types.Tool:
    hints = types.ToolAnnotations(
        title=skill.title,
        readOnlyHint=skill.read_only,
        destructiveHint=not skill.read_only,
        idempotentHint=skill.read_only,
        openWorldHint=True,  # whatever stands before the camera
    )
    return types.Tool(
        name=skill.name,
        title=skill.title,
        description=skill.description,
        inputSchema=input_schema(skill),
        outputSchema=output_schema(skill),
        annotations=hints,
    )


def _result(reply: Reply) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=reply.text)]
    if reply.picture is not None:
        data = base64.b64encode(reply.picture).decode()
        content.append(types.ImageContent(type="image", data=data, mimeType=PICTURE_TYPE))
    if reply.problem is None:
        return types.CallToolResult(content=content, structuredContent=reply.structured)
    # No structured content: what there is must keep to the tool's output schema, a failure too.
    detail = {ERROR_KEY: reply.problem.model_dump()}
    return types.CallToolResult(content=content, isError=True, _meta=detail)


def _teller(server: ProtocolServer) -> Tell:
    """Sends progress where the client gave a token for it, on the stream of its own request."""
    context = server.request_context
    token = context.meta.progressToken if context.meta is not None else None
    if token is None:
        return untold
    count = 0

    async def tell(step: str) -> None:
        nonlocal count
        count += 1
        try:
            await context.session.send_progress_notification(
                token, count, message=step, related_request_id=str(context.request_id)
            )
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            # The client has gone; its call is being cancelled.
            return

    return tell
