"""Blocking skills from sync and async callers, on few threads that live long: drawing keeps something for each."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from kosmos_agent.robot.cancel import CancelToken

THREADS = 4
STOPPING_S = 5.0
"""How long a cancelled call waits for what it began to stop: a token more, or an arm that comes to a stand."""

T = TypeVar("T")
Work = Callable[[CancelToken], T]


class Runner:
    """Thread-safe. Whoever stops waiting for a call cancels it."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, "kosmos-skill")

    def run(self, work: Work[T]) -> T:
        """Whatever `work` returns or raises; an interrupt (Ctrl-C) cancels it."""
        cancel = CancelToken()
        future = self._submit(work, cancel)
        try:
            return future.result()
        except KeyboardInterrupt:
            _stop(future, cancel, "interrupted by the user")
            raise

    async def arun(self, work: Work[T]) -> T:
        """As `run`; cancelling the awaiting task cancels the work and waits, at most `STOPPING_S`, until it stops."""
        cancel = CancelToken()
        future = self._submit(work, cancel)
        waiting = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            _stop(future, cancel, "the awaiting task was cancelled")
            waiting.add_done_callback(_heard)
            await asyncio.wait([waiting], timeout=STOPPING_S)
            raise

    def close(self) -> None:
        """Takes no more calls; waits for those that run."""
        self._threads.shutdown(cancel_futures=True)

    def _submit(self, work: Work[T], cancel: CancelToken) -> Future[T]:
        # The caller's context, so that traces nest and progress finds its stream.
        return self._threads.submit(contextvars.copy_context().run, work, cancel)


def _stop(future: Future[T], cancel: CancelToken, reason: str) -> None:
    cancel.cancel(reason)
    future.cancel()


def _heard(waiting: asyncio.Future[T]) -> None:
    """Nobody waits for its error any more."""
    if not waiting.cancelled():
        waiting.exception()
