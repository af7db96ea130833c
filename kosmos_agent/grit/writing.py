"""Outcomes into files: a parquet file and a file of rejects for each shard, written when the whole shard is there."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.grit.outcomes import Item
from kosmos_agent.grit.rejects import REJECTS, write_rejects
from kosmos_agent.grit.shards import Shard
from kosmos_agent.grit.table import write_table

MOST_UNFORESEEN = 50


class PipelineError(KosmosAgentError):
    """So many pairs in a row failed in ways that nobody foresaw that the fault is not theirs."""

    code = "pipeline_failed"


@dataclass
class Tally:
    """Of the pairs of this run. seconds: spent in each stage, summed over all processes."""

    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def pairs(self) -> int:
        return self.kept + self.rejected.total()

    def add(self, item: Item) -> None:
        if item.record is not None:
            self.kept += 1
        if item.reject is not None:
            self.rejected[item.reject.code] += 1
        for stage, seconds in item.seconds.items():
            self.seconds[stage] += seconds


class ShardWriter:
    """Takes items in any order. A shard is done when its parquet file is there; the rejects are written before it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / REJECTS).mkdir(parents=True, exist_ok=True)
        self._open: defaultdict[str, dict[int, Item]] = defaultdict(dict)
        self._counts: dict[str, int] = {}
        self._unforeseen = 0
        self.tally = Tally()

    def table_path(self, shard: str) -> Path:
        return self._folder / f"{shard}.parquet"

    def waiting(self, shards: list[Shard]) -> list[Shard]:
        """Those not yet done."""
        return [shard for shard in shards if not self.table_path(shard.name).is_file()]

    def add(self, item: Item) -> bool:
        """True when the item completed its shard. PipelineError after too many unforeseen failures in a row."""
        if item.count is not None:
            self._counts[item.shard] = item.count
        else:
            self._open[item.shard][item.index] = item
            self.tally.add(item)
            self._watch(item)
        if len(self._open[item.shard]) != self._counts.get(item.shard):
            return False
        self._close(item.shard)
        return True

    def _close(self, shard: str) -> None:
        items = [item for _, item in sorted(self._open.pop(shard).items())]
        del self._counts[shard]
        write_rejects(self._folder / REJECTS / f"{shard}.jsonl", [item.reject for item in items if item.reject])
        write_table(self.table_path(shard), [item.record for item in items if item.record])

    def _watch(self, item: Item) -> None:
        reject = item.reject
        self._unforeseen = self._unforeseen + 1 if reject is not None and reject.code == "unexpected" else 0
        if reject is not None and self._unforeseen >= MOST_UNFORESEEN:
            raise PipelineError(
                f"{MOST_UNFORESEEN} pairs in a row failed in stage {reject.stage!r}, the last with: {reject.reason}; "
                "shards that were finished are kept"
            )
