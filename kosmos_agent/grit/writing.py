"""Outcomes into files: a parquet file and a file of rejects for each shard, written when the whole shard is there."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kosmos_agent.grit.attempts import ATTEMPTS, Attempts
from kosmos_agent.grit.outcomes import Item
from kosmos_agent.grit.rejects import REJECTS, write_rejects
from kosmos_agent.grit.shards import Shard
from kosmos_agent.grit.table import write_table


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
        for inner in (REJECTS, ATTEMPTS):
            (folder / inner).mkdir(parents=True, exist_ok=True)
        self._attempts = Attempts(folder / ATTEMPTS)
        self._attempts.begin()
        self._open: defaultdict[str, dict[int, Item]] = defaultdict(dict)
        self._counts: dict[str, int] = {}
        self.tally = Tally()

    def table_path(self, shard: str) -> Path:
        return self._folder / f"{shard}.parquet"

    def start_afresh(self, shards: list[Shard]) -> None:
        """Deaths that another detector or other pairs had do not count."""
        for shard in shards:
            self._attempts.forget(shard.name)

    def end(self) -> None:
        """Nothing is under way any more."""
        with suppress(OSError):  # marks of shards that are no longer asked for stay
            (self._folder / ATTEMPTS).rmdir()

    def waiting(self, shards: list[Shard]) -> list[Shard]:
        """Those not yet done."""
        return [shard for shard in shards if not self.table_path(shard.name).is_file()]

    def add(self, item: Item) -> bool:
        """True when the item completed its shard."""
        if item.count is not None:
            self._counts[item.shard] = item.count
        else:
            self._open[item.shard][item.index] = item
            self.tally.add(item)
        if len(self._open[item.shard]) != self._counts.get(item.shard):
            return False
        self._close(item.shard)
        return True

    def _close(self, shard: str) -> None:
        items = [item for _, item in sorted(self._open.pop(shard).items())]
        del self._counts[shard]
        write_rejects(self._folder / REJECTS / f"{shard}.jsonl", [item.reject for item in items if item.reject])
        write_table(self.table_path(shard), [item.record for item in items if item.record])
        self._attempts.forget(shard)
