"""A pair of a shard on its way through the stages, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kosmos_agent.grit.errors import InvalidRecordError
from kosmos_agent.grit.recipe import Detected, Proposal
from kosmos_agent.grit.records import GritRecord
from kosmos_agent.grit.rejects import Reject
from kosmos_agent.grit.samples import Sample
from kosmos_agent.grit.shards import Shard


@dataclass(frozen=True)
class Item:
    """Sample `index` of a shard on its way through the stages: what the last one made of it is set.

    count: the shard ends here and held so many samples. seconds: stage to time spent.
    """

    shard: str
    index: int
    sample: Sample | None = None
    proposal: Proposal | None = None
    detected: Detected | None = None
    record: GritRecord | None = None
    reject: Reject | None = None
    count: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def shard_items(shard: Shard) -> Iterator[Item]:
    """Its samples and, last, its end. Where a tar file breaks off, that is a reject of its own."""
    index = 0
    try:
        for sample in shard.samples():
            yield Item(shard.name, index, sample=sample)
            index += 1
    except InvalidRecordError as error:
        yield Item(shard.name, index, reject=Reject.of(shard.name, "shard", error))
        index += 1
    yield Item(shard.name, index, count=index)
