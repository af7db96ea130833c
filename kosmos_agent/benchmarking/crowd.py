"""The same work beside neighbours that keep processors busy, with one thread and with more.

Threads of one product wait for each other. Where a neighbour takes the processor of one, all wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from kosmos_agent.benchmarking.neighbours import busy_neighbours
from kosmos_agent.benchmarking.rounds import Call, Plan, Progress, time_in_turn
from kosmos_agent.benchmarking.timing import Timing
from kosmos_agent.model.threads import torch_threads


class CrowdRow(BaseModel):
    """timings: by what was called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int
    neighbours: int
    timings: dict[str, Timing]


def measure_crowd(
    calls: Mapping[str, Call],
    neighbours: int,
    plan: Plan,
    threads: Sequence[int] | None = None,
    progress: Progress = lambda words: None,
) -> list[CrowdRow]:
    """Beside none and up to `neighbours`; with one thread and with one for each processor, unless `threads` says."""
    rows = []
    for count in range(neighbours + 1):
        with busy_neighbours(count) as pids:
            for several in threads or (1, os.cpu_count() or 1):
                progress(f"{several} threads beside {count} neighbours")
                with torch_threads(several):
                    timings = time_in_turn(calls, replace(plan, threads=several, neighbours=pids))
                rows.append(CrowdRow(threads=several, neighbours=count, timings=timings))
    return rows
