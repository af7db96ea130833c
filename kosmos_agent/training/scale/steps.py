"""The data of one step on one process: drawn, packed and grouped, one step ahead of its use."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from kosmos_agent.training.recipe.models import BatchSection
from kosmos_agent.training.rows.packing import Row, packed, passes
from kosmos_agent.training.rows.sample import NO_TARGET
from kosmos_agent.training.sources.mixture import Mixture


@dataclass(frozen=True)
class Share:
    """passes: groups of rows, one forward and backward each. counted: (sources,) tokens that are learnt."""

    passes: Sequence[Sequence[Row]]
    counted: np.ndarray
    tokens: int


class Steps:
    """`share(step)` for steps in order; the next one is made ready in the background."""

    def __init__(self, mixture: Mixture, batch: BatchSection, *, rank: int, world: int, threads: int) -> None:
        self._mixture, self._batch, self._rank, self._world = mixture, batch, rank, world
        self._samples = ThreadPoolExecutor(threads, thread_name_prefix="samples")
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._waiting: dict[int, Future[Share]] = {}

    def share(self, step: int) -> Share:
        """What this process learns in that step."""
        future = self._waiting.pop(step, None) or self._ahead.submit(self._made, step)
        self._waiting = {step + 1: self._ahead.submit(self._made, step + 1)}
        return future.result()

    def close(self) -> None:
        for pool in (self._ahead, self._samples):
            pool.shutdown(wait=True, cancel_futures=True)

    def _made(self, step: int) -> Share:
        draws = self._mixture.draws(step, self._rank, self._world)
        placed = list(self._mixture.samples(draws, self._samples))
        rows = packed(placed, self._batch.row_tokens, share_rows=self._batch.pack)
        counted = np.zeros(len(self._mixture.titles), np.int64)
        for item in placed:
            counted[item.source] += (item.sample.targets != NO_TARGET).sum()
        return Share(passes(rows, self._batch.rows_per_pass), counted, sum(len(item.sample) for item in placed))
