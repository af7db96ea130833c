"""Random access to pictures with captions in shards (img2dataset: tar files, or folders of KEY.jpg, KEY.txt, KEY.json).

Shards come in a new order every epoch and are shuffled inside: neighbours in the stream share a shard, so that one
after another is read whole, not all at once.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np

from kosmos_agent.errors import InvalidSampleError, KosmosAgentError
from kosmos_agent.grit.errors import InvalidRecordError
from kosmos_agent.grit.samples import Sample
from kosmos_agent.grit.shards import RUN, Shard, find_shards
from kosmos_agent.training.sources.index import NO_INDEX, Found, Index, stamp
from kosmos_agent.training.sources.source import shuffled

_KEPT_SHARDS = 2

KeysOf = Callable[[Shard], Collection[str] | None]
OnBad = Callable[[KosmosAgentError], None]


class ShardedSamples:
    """The samples of a folder by their number in an endless shuffled stream.

    only: keys of a shard that count; None for all of them. beside: the folder whose NAME.parquet says which. on_bad: is
    told of a shard that breaks off, once. What precedes the break stands in for what is lost. index: keeps the counts.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        run: int = RUN,
        only: KeysOf | None = None,
        beside: Path | None = None,
        on_bad: OnBad | None = None,
        index: Index = NO_INDEX,
    ) -> None:
        self._only, self._on_bad = only or _all, on_bad or _all
        self._seed = seed
        self._broken: dict[str, str] = {}
        shards = find_shards(folder, run)
        facts = {"shards": [[item.name, item.first, stamp(item.path), *_stamps(beside, item)] for item in shards]}
        name = f"shards {folder.resolve()}" + (f" as {beside.resolve()} says" if beside is not None else "")
        found = index.found(name, facts, lambda: self._count(shards))
        self._broken = dict(zip((shards[place].name for place in found.numbers["broken"]), found.notes, strict=True))
        for note in found.notes:
            self._on_bad(InvalidSampleError(note))
        counted = list(zip(shards, found.numbers["counts"].tolist(), strict=True))
        self.shards = [shard for shard, count in counted if count]
        self._counts = [count for _, count in counted if count]
        if not self.shards:
            raise InvalidSampleError(f"{folder} holds no sample that can be used")
        self._held: OrderedDict[int, list[Sample]] = OrderedDict()
        self._lock = threading.Lock()
        self._order = lru_cache(maxsize=_KEPT_SHARDS)(self._order_of)

    def __len__(self) -> int:
        return sum(self._counts)

    def draw(self, number: int) -> tuple[Shard, Sample]:
        """InvalidSampleError where nothing of the shard can be read any more."""
        epoch, place = divmod(number, len(self))
        order, ends = self._order(epoch)
        turn = bisect_right(ends, place)
        shard, inside = order[turn], place - (ends[turn - 1] if turn else 0)
        row = shuffled(inside, self._counts[shard], self._seed + epoch * len(self.shards) + shard)
        samples = self._samples(shard)
        if not samples:
            raise InvalidSampleError(f"shard {self.shards[shard].path} holds no sample any more")
        return self.shards[shard], samples[row % len(samples)]

    def _order_of(self, epoch: int) -> tuple[Sequence[int], Sequence[int]]:
        """Shards as they come in that epoch, and how many samples have gone by after each."""
        count = len(self.shards)
        order = [shuffled(epoch * count + turn, count, self._seed) for turn in range(count)]
        return order, list(accumulate(self._counts[shard] for shard in order))

    def _samples(self, shard: int) -> list[Sample]:
        with self._lock:
            if shard not in self._held:
                found = self._read(self.shards[shard])
                self._held[shard] = [found[key] for key in sorted(self._kept(self.shards[shard], found))]
            self._held.move_to_end(shard)
            while len(self._held) > _KEPT_SHARDS:
                self._held.popitem(last=False)
            return self._held[shard]

    def _read(self, shard: Shard) -> dict[str, Sample]:
        """By key, as far as the shard goes."""
        found: dict[str, Sample] = {}
        try:
            for sample in shard.samples():
                found[sample.key] = sample
        except InvalidRecordError as error:
            if shard.name not in self._broken:
                self._broken[shard.name] = _note(error)
                self._on_bad(InvalidSampleError(self._broken[shard.name]))
        return found

    def _keys(self, shard: Shard) -> set[str]:
        """Of the samples in a shard, as far as it goes."""
        keys: set[str] = set()
        try:
            for key in shard.sample_keys():
                keys.add(key)
        except InvalidRecordError as error:
            self._broken[shard.name] = _note(error)
        return keys

    def _count(self, shards: Sequence[Shard]) -> Found:
        counts = [len(self._kept(shard, self._keys(shard))) for shard in shards]
        broken = [place for place, shard in enumerate(shards) if shard.name in self._broken]
        numbers = {"counts": np.array(counts, np.int64), "broken": np.array(broken, np.int64)}
        return Found(numbers, tuple(self._broken.values()))

    def _kept(self, shard: Shard, keys: Collection[str]) -> Collection[str]:
        only = self._only(shard)
        return keys if only is None else set(keys).intersection(only)


def _stamps(beside: Path | None, shard: Shard) -> list[list[int] | None]:
    """None for a table that is not there: it may come."""
    if beside is None:
        return []
    file = beside / f"{shard.name}.parquet"
    return [stamp(file) if file.is_file() else None]


def _all(_: object) -> None:
    return None


def _note(error: InvalidRecordError) -> str:
    return f"{error}; what precedes is used"
