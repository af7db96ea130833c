"""Who is let in: the right `Host`, no web page, and the token where there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kosmos_agent.errors import UnauthorizedError
from kosmos_agent.network import same_token
from kosmos_agent.serving.statuses import failure

OPEN = ("/health", "/ready")
"""They say nothing but yes or no, and whoever watches over servers need not know the token."""


class Guard:
    """hosts: valid `Host` headers. token: None lets everyone in who gets here. on_refused: told the code of whoever had
    the wrong token.

    A request of a web page (an `Origin` header) is refused, as no page is meant to ask, and a name that only points to
    this machine opens nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Sequence[str],
        token: str | None,
        on_refused: Callable[[str], None] = lambda code: None,
    ) -> None:
        self._app, self._hosts, self._token = app, frozenset(hosts), token
        self._on_refused = on_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._refusal(scope) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["path"] in OPEN:
            return None
        if headers.get("host", "") not in self._hosts:
            return Response("this server has another name", 421)
        if "origin" in headers:
            return Response("web pages are not served", 403)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if self._token is None or (scheme.lower() == "bearer" and same_token(token, self._token)):
            return None
        self._on_refused(UnauthorizedError.code)
        return failure(UnauthorizedError("this server wants its token; valid: the header Authorization: Bearer TOKEN"))
