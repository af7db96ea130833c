"""Calls timed in turn: what disturbs the machine for a minute disturbs all of them alike."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from kosmos_agent.benchmarking.contention import allowed_foreign_cores, foreign_cores, read_cpu
from kosmos_agent.benchmarking.timing import Sample, Timing, summarise
from kosmos_agent.inference.devices import synchronise

Call = Callable[[], object]
Progress = Callable[[str], None]
_SLOW_S = 3.0
"""A call of this length warms up within itself."""


@dataclass(frozen=True)
class Plan:
    """How to measure. wanted: clean samples of each call. patience: rounds, as a multiple of `wanted`, until then.

    sample_s: a sample repeats a quick call for so long, as the system counts processor time in ticks of 10 ms.
    budget_s: no new round of a comparison after it, unless something has fewer than `wanted` samples at all.
    neighbours: processes that are a known load.
    """

    threads: int
    wanted: int = 5
    patience: int = 3
    sample_s: float = 0.3
    budget_s: float = math.inf
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    neighbours: tuple[int, ...] = ()

    @property
    def allowed_cores(self) -> float:
        return allowed_foreign_cores(os.cpu_count() or 1, self.threads, len(self.neighbours))


def time_in_turn(calls: Mapping[str, Call], plan: Plan, progress: Progress = lambda words: None) -> dict[str, Timing]:
    """One sample of each call, then the next of each, until each has enough clean ones or patience ends."""
    started_s = time.perf_counter()
    repeats, samples = {}, {}
    for name, call in calls.items():
        progress(f"{name}, warming up")
        repeats[name], samples[name] = _warmed_up(call, plan)
    for turn in range(plan.wanted * plan.patience):
        waiting = [name for name in calls if _clean(samples[name], plan) < plan.wanted]
        late = time.perf_counter() - started_s > plan.budget_s
        if not waiting or (late and turn >= plan.wanted):
            break
        for name in waiting:
            progress(f"{name}, sample {turn + 1}")
            samples[name].append(_sample(calls[name], repeats[name], plan))
    return {name: summarise(taken, plan.wanted, plan.allowed_cores) for name, taken in samples.items()}


def _clean(samples: list[Sample], plan: Plan) -> int:
    return sum(sample.clean(plan.allowed_cores) for sample in samples)


def _warmed_up(call: Call, plan: Plan) -> tuple[int, list[Sample]]:
    """Calls to a sample, from a second call, as the first warms up; a slow first call is a sample already."""
    first = _sample(call, 1, plan)
    if first.seconds > _SLOW_S:
        return 1, [first]
    if plan.sample_s <= 0:
        return 1, []
    second = _sample(call, 1, plan)
    return max(1, math.ceil(plan.sample_s / max(second.seconds, 1e-6))), []


def _sample(call: Call, repeats: int, plan: Plan) -> Sample:
    before = read_cpu(plan.neighbours)
    for _ in range(repeats):
        call()
    synchronise(plan.device)
    after = read_cpu(plan.neighbours)
    return Sample((after.wall_s - before.wall_s) / repeats, foreign_cores(before, after))
