"""Messages over a pair of descriptors, one a line: what the stdio transport reads and writes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator
from itertools import takewhile

MAX_LINE_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16

_log = logging.getLogger(__name__)


class Lines:
    """Asynchronous iterator over the lines of `descriptor`; use it on one loop. A line that is too long ends it.

    The thread that reads is never waited for: no signal can wake it, and the program must be able to end.
    """

    def __init__(self, descriptor: int, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._descriptor, self._max_bytes = descriptor, max_bytes
        self._loop = asyncio.get_running_loop()
        self._read: asyncio.Queue[str | None] = asyncio.Queue(16)
        threading.Thread(target=self._pump, name="lines", daemon=True).start()

    def __aiter__(self) -> Lines:
        return self

    async def __anext__(self) -> str:
        line = await self._read.get()
        if line is None:
            raise StopAsyncIteration
        return line

    def _pump(self) -> None:
        with contextlib.suppress(RuntimeError):  # of a loop that is closed: nobody reads any more
            try:
                for line in self._lines():
                    self._put(line)
            finally:
                self._put(None)

    def _put(self, line: str | None) -> None:
        """Waits while the reader is behind."""
        asyncio.run_coroutine_threadsafe(self._read.put(line), self._loop).result()

    def _lines(self) -> Iterator[str]:
        rest = b""
        # Not the buffered sys.stdin: a thread that waits in it keeps the interpreter from ending.
        while chunk := os.read(self._descriptor, _CHUNK_BYTES):
            *whole, rest = (rest + chunk).split(b"\n")
            bounded = list(takewhile(self._is_bounded, whole))
            yield from (line.decode("utf-8", errors="replace") for line in bounded)
            if len(bounded) < len(whole) or not self._is_bounded(rest):
                _log.error("a message of more than %d bytes; the connection ends", self._max_bytes)
                return

    def _is_bounded(self, line: bytes) -> bool:
        return len(line) <= self._max_bytes


class Out:
    """Whole lines to a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def write(self, text: str) -> None:
        await asyncio.to_thread(self._write, text.encode())

    async def flush(self) -> None:
        """Nothing is kept back."""

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]


def take_stdout() -> int:
    """A descriptor for the protocol alone; from now on whatever else prints to stdout, C code too, goes to stderr."""
    sys.stdout.flush()
    ours = os.dup(1)
    os.dup2(2, 1)
    return ours
