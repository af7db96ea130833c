"""Nodes as processes of their own: started, heard, started again when they die, ended. No shell, and no ROS here."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Literal, Self

from kosmos_ros.graph import NodeSpec

Say = Callable[[str], object]

GRACE_S = 8.0
"""From SIGINT to SIGKILL; a model that is being loaded hears the first only afterwards."""
FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 30.0
COULD_NOT_START, AS_TOLD = 2, 0
"""Statuses of our nodes after which starting again would change nothing, or would be against somebody's will."""
SETTLED_S = 60.0
"""A node that lived this long is started again without having to wait longer than at first."""
_MAX_LINE_BYTES = 4096
_OUTPUT_END_S = 1.0


@dataclass(frozen=True)
class Program:
    """A module to run with this Python."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: NodeSpec) -> Self:
        return cls(spec.name, spec.module, tuple(spec.arguments()))

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", self.module, *self.arguments]


@dataclass(frozen=True)
class Event:
    """`ended`: it died and nobody starts it again. words: how, for people."""

    kind: Literal["started", "ended"]
    name: str
    words: str = ""


class Processes:
    """Runs all programs while inside `with`.

    environment: see `environment.for_process`. say: is told every line that they print, their name before it, and what
    becomes of them; from several threads. restart: start again what dies, after a delay that doubles; not what could
    not start or was told to end.
    """

    def __init__(
        self,
        programs: Iterable[Program],
        environment: Mapping[str, str],
        say: Say,
        *,
        restart: bool = False,
        grace_s: float = GRACE_S,
        first_delay_s: float = FIRST_DELAY_S,
    ) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._ended: dict[str, str] = {}
        self._say, self._grace_s = say, grace_s
        programs = tuple(programs)
        width = max((len(program.name) for program in programs), default=0)
        self._keepers = {
            program.name: _Keeper(
                program,
                # Python would keep back what it prints into a pipe.
                {**environment, "PYTHONUNBUFFERED": "1"},
                _prefixed(say, f"{program.name:>{width}} | "),
                self._note,
                first_delay_s if restart else None,
            )
            for program in programs
        }

    def __enter__(self) -> Self:
        for keeper in self._keepers.values():
            keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def event(self, timeout_s: float | None = None) -> Event | None:
        """The next thing that happens to one of them; None: nothing did for so long."""
        with contextlib.suppress(queue.Empty):
            return self._events.get(timeout=timeout_s)
        return None

    @property
    def ended(self) -> dict[str, str]:
        """Those that ended for good, and how, whether or not their event has been taken yet."""
        return dict(self._ended)

    def pid(self, name: str) -> int | None:
        """None while it does not run."""
        return self._keepers[name].pid

    def running(self, name: str) -> bool:
        return self.pid(name) is not None

    def stop(self) -> None:
        """SIGINT to all, the last one first; SIGKILL, with their children, to those that do not heed it in time.

        A second Ctrl-C shortens the wait. Safe to call again.
        """
        keepers = [keeper for keeper in reversed(self._keepers.values()) if keeper.is_alive()]
        for keeper in keepers:
            keeper.interrupt()
        deadline_s = time.monotonic() + self._grace_s
        try:
            for keeper in keepers:
                keeper.join(max(0.0, deadline_s - time.monotonic()))
        except KeyboardInterrupt:
            self._say("interrupted again: ending them at once")
        finally:
            for keeper in keepers:
                keeper.kill()
            for keeper in keepers:
                keeper.join()

    def _note(self, event: Event) -> None:
        if event.kind == "ended":
            self._ended[event.name] = event.words
        self._events.put(event)


class _Keeper(threading.Thread):
    """The thread that starts one program and waits for its end. first_delay_s: None: it is started once."""

    def __init__(
        self,
        program: Program,
        environment: Mapping[str, str],
        say: Say,
        tell: Callable[[Event], object],
        first_delay_s: float | None,
    ) -> None:
        super().__init__(name=f"keeper of {program.name}", daemon=True)
        self._program, self._environment, self._say, self._tell = program, environment, say, tell
        self._first_delay_s = first_delay_s
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def run(self) -> None:
        delay_s = self._first_delay_s
        while True:
            started_s = time.monotonic()
            status = self._once()
            if status is None or self._stopping.is_set():
                return
            words = ending(status)
            if delay_s is None or self._first_delay_s is None or status in (COULD_NOT_START, AS_TOLD):
                self._say(words)
                self._tell(Event("ended", self._program.name, words))
                return
            if time.monotonic() - started_s >= SETTLED_S:
                delay_s = self._first_delay_s
            self._say(f"{words}; it is started again in {delay_s:g} s")
            if self._stopping.wait(delay_s):
                return
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)

    def interrupt(self) -> None:
        with self._lock:
            self._stopping.set()
            if self.pid is not None:
                os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        with self._lock:
            if self.pid is not None:
                self._say("does not end; it is killed")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)

    def _once(self) -> int | None:
        """Its exit status; None: it was not to be started any more."""
        with self._lock:
            if self._stopping.is_set():
                return None
            # A group of its own, so that Ctrl-C at the terminal reaches us alone and we end them in order.
            process = self._process = subprocess.Popen(  # noqa: S603  # a list of words, no shell
                self._program.command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert process.stdout is not None  # noqa: S101  # for mypy: stdout=PIPE
        reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        reader.start()
        self._tell(Event("started", self._program.name))
        status = process.wait()
        # Not longer: a child of its own may hold the pipe open.
        reader.join(_OUTPUT_END_S)
        return status

    def _read(self, output: IO[bytes]) -> None:
        with output:
            while line := output.readline(_MAX_LINE_BYTES):
                self._say(line.decode("utf-8", errors="replace").rstrip())


def ending(status: int) -> str:
    """How a process ended, in words. status: as `Popen.wait` gives it."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _prefixed(say: Say, prefix: str) -> Say:
    return lambda line: say(prefix + line)
