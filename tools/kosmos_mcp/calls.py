"""Blocking work for asynchronous callers: on few long-lived threads, told step by step, stopped when its caller is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from kosmos_agent.errors import BusyError
from kosmos_agent.robot.cancel import CancelToken

T = TypeVar("T")
Work = Callable[[CancelToken, Callable[[str], object]], T]
Tell = Callable[[str], Awaitable[None]]


class Calls(Generic[T]):
    """threads: that work. most: calls at a time, those that wait for a thread included."""

    def __init__(self, threads: int = 4, most: int = 32) -> None:
        # Long-lived threads: each keeps an OpenGL context where it has drawn.
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="skill")
        self._threads, self._most = threads, most
        self._live: dict[Future[T], CancelToken] = {}

    async def run(self, work: Work[T], tell: Tell) -> T:
        """What `work` returns. Each step that it tells of is awaited in order, and all of them before it returns.

        Cancelling the caller cancels the token; work that is under way ends by itself, work that waits never begins.
        BusyError: too many calls.
        """
        if len(self._live) >= self._most:
            raise BusyError(f"{self._most} calls are being worked on; ask again when one of them has ended")
        loop = asyncio.get_running_loop()
        steps: asyncio.Queue[str | None] = asyncio.Queue()

        def on_progress(step: str) -> None:
            # The caller may be gone, and its loop closed, while an arm comes to a halt.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(steps.put_nowait, step)

        token = CancelToken()
        working = self._executor.submit(work, token, on_progress)
        self._live[working] = token
        working.add_done_callback(self._ended)
        done = asyncio.wrap_future(working)
        done.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            while (step := await steps.get()) is not None:
                await tell(step)
            return await done
        finally:
            token.cancel()
            done.cancel()

    def stop(self, reason: str) -> None:
        """Cancels all calls; does not wait."""
        for token in list(self._live.values()):
            token.cancel(reason)

    def close(self, farewell: Callable[[], object]) -> None:
        """Stops all calls and waits until they have ended: the arm stands still then.

        farewell: done once on each thread at the end, for what a thread alone can let go of.
        """
        self.stop("the server is being closed")
        for working in list(self._live):
            working.cancel()
        everyone, turn = threading.Barrier(self._threads), threading.Lock()

        def leave() -> None:
            everyone.wait()  # so that no thread leaves twice in the place of another
            with turn:
                farewell()

        leaving = [self._executor.submit(leave) for _ in range(self._threads)]
        self._executor.shutdown(wait=True)
        for left in leaving:
            left.result()

    def _ended(self, working: Future[T]) -> None:
        self._live.pop(working, None)
