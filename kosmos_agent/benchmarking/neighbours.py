"""Processes that do nothing but keep a processor busy, as a robot's other software does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LOOP = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))\n"
"""It ends by itself when whoever started it is gone."""


@contextmanager
def busy_neighbours(count: int) -> Iterator[tuple[int, ...]]:
    """Process ids of `count` busy loops, which end with the block."""
    running = [subprocess.Popen([sys.executable, "-c", _LOOP]) for _ in range(count)]  # noqa: S603  our own words
    try:
        yield tuple(process.pid for process in running)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
