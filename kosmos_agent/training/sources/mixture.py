"""Several sources in fixed proportions: step s takes the samples s * n to (s + 1) * n of a source of n a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kosmos_agent.errors import InvalidSampleError, KosmosAgentError
from kosmos_agent.training.rows.packing import Placed
from kosmos_agent.training.rows.sample import Sample
from kosmos_agent.training.sources.context import OnReject
from kosmos_agent.training.sources.source import Source

MOST_BAD_IN_A_ROW = 100


@dataclass(frozen=True)
class Draw:
    """Which sample of which source."""

    source: int
    number: int


class Mixture:
    """The order of the mapping is the order of the sources' numbers."""

    def __init__(self, sources: Mapping[str, tuple[Source, int]], *, row_tokens: int, on_reject: OnReject) -> None:
        self.titles = tuple(sources)
        self._sources = [source for source, _ in sources.values()]
        self._per_step = [count for _, count in sources.values()]
        self._row_tokens, self._on_reject = row_tokens, on_reject

    def draws(self, step: int, rank: int = 0, world: int = 1) -> list[Draw]:
        """What this process makes of the step; all processes together make the same step, whatever their count."""
        whole = [
            Draw(source, step * count + place) for source, count in enumerate(self._per_step) for place in range(count)
        ]
        return whole[rank::world]

    def samples(self, draws: Sequence[Draw], pool: ThreadPoolExecutor) -> Iterator[Placed]:
        """In order. One that is unusable is told of, and the next of its source that is usable stands in."""
        return (Placed(sample, draw.source) for sample, draw in zip(pool.map(self._usable, draws), draws, strict=True))

    def _usable(self, draw: Draw) -> Sample:
        for shift in range(MOST_BAD_IN_A_ROW):
            try:
                return self._fitting(draw.source, draw.number + shift)
            except KosmosAgentError as error:
                self._on_reject(self.titles[draw.source], draw.number + shift, error)
        raise InvalidSampleError(
            f"source {self.titles[draw.source]}: {MOST_BAD_IN_A_ROW} bad samples in a row from number {draw.number}"
        )

    def _fitting(self, source: int, number: int) -> Sample:
        sample = self._sources[source].sample(number)
        if len(sample) > self._row_tokens:
            raise InvalidSampleError(f"{len(sample)} tokens do not fit a row of {self._row_tokens}")
        return sample
