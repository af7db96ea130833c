"""Who else kept the processors busy while we measured: the machine's busy time less our own (Linux: /proc/stat)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_IDLE_COLUMNS = (3, 4)
"""idle and iowait of the `cpu` line; guest time, in columns 8 and 9, is in user and nice already."""
_COUNTED_COLUMNS = 8
SLACK_CORES = 0.15
"""What the clock's own ticks and a quiet machine's daemons come to."""


@dataclass(frozen=True)
class CpuReading:
    """Seconds. machine_busy_s: of all processors, stolen time included; None where the system does not tell."""

    wall_s: float
    ours_s: float
    machine_busy_s: float | None


def read_cpu(neighbours: Sequence[int] = (), proc: Path = Path("/proc")) -> CpuReading:
    """Now. neighbours: processes that count as ours, those started to be a known load."""
    ours_s = time.process_time() + sum(_process_s(proc / str(pid) / "stat") for pid in neighbours)
    return CpuReading(time.perf_counter(), ours_s, _machine_busy_s(proc / "stat"))


def foreign_cores(before: CpuReading, after: CpuReading) -> float | None:
    """Processors that others kept busy between the readings; None where the system does not tell."""
    if before.machine_busy_s is None or after.machine_busy_s is None:
        return None
    busy_s = after.machine_busy_s - before.machine_busy_s - (after.ours_s - before.ours_s)
    return max(0.0, busy_s / max(after.wall_s - before.wall_s, 1e-9))


def allowed_foreign_cores(cpus: int, threads: int, neighbours: int = 0) -> float:
    """What others may use while each of our threads, and each known neighbour, still has a processor to itself."""
    return max(0, cpus - threads - neighbours) + SLACK_CORES


def _machine_busy_s(stat: Path) -> float | None:
    try:
        words = stat.read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    ticks = [int(word) for word in words[:_COUNTED_COLUMNS]]
    busy = sum(count for column, count in enumerate(ticks) if column not in _IDLE_COLUMNS)
    return busy / os.sysconf("SC_CLK_TCK") if busy else None


def _process_s(stat: Path) -> float:
    """User and system time of one process; 0 for one that has ended."""
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
