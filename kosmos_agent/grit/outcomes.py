"""What became of each pair of a shard, and the three stages run one behind the other with their time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from kosmos_agent.grit.detection import Detector
from kosmos_agent.grit.errors import InvalidRecordError
from kosmos_agent.grit.parsing import Parser
from kosmos_agent.grit.recipe import Detected, Proposal, Recipe, assemble, detect, propose
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


def proposed(item: Item, parser: Parser) -> Item:
    """Stage `parse`. What is no sample passes through, as in the other stages."""
    sample = item.sample
    if sample is None:
        return item
    return _stage(item, "parse", sample.key, lambda: replace(item, sample=None, proposal=propose(sample, parser)))


def detected(item: Item, detector: Detector) -> Item:
    """Stage `detect`. The picture has been used then and goes."""
    proposal = item.proposal
    if proposal is None:
        return item

    def look() -> Item:
        return replace(item, proposal=proposal.without_picture(), detected=detect(proposal, detector))

    return _stage(item, "detect", proposal.sample.key, look)


def assembled(item: Item, recipe: Recipe) -> Item:
    """Stage `assemble`."""
    proposal, found = item.proposal, item.detected
    if proposal is None or found is None:
        return item

    def put_together() -> Item:
        return replace(item, proposal=None, detected=None, record=assemble(proposal, found, recipe))

    return _stage(item, "assemble", proposal.sample.key, put_together)


def _stage(item: Item, stage: str, key: str, run: Callable[[], Item]) -> Item:
    """The item behind the stage, or set aside: whatever is wrong with one pair, none may end a run of millions."""
    started = time.perf_counter()
    try:
        after = run()
    except Exception as error:  # noqa: BLE001 - kept with its reason; the writer ends a run of nothing else
        after = Item(item.shard, item.index, reject=Reject.of(key, stage, error))
    return replace(after, seconds={**item.seconds, stage: time.perf_counter() - started})
