"""uvicorn as this project runs it: quiet, bounded, and with a say in what a signal does."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp


class UvicornServer(uvicorn.Server):
    """on_signal: what a signal does, in place of ending at once; it sets `should_exit` when the time has come.

    max_connections: more than those get the status 503. grace_s: for those that are open at the end.
    """

    def __init__(self, app: ASGIApp, on_signal: Callable[[], None], *, max_connections: int, grace_s: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=max_connections,
                timeout_graceful_shutdown=grace_s,
            )
        )
        self._on_signal = on_signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self._on_signal()
