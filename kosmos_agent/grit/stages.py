"""The recipe's stages over items, the same in one process and on many. A pair may fail in them, and fails alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from kosmos_agent.grit.attempts import Attempts
from kosmos_agent.grit.detection import Detector
from kosmos_agent.grit.guard import Guard
from kosmos_agent.grit.outcomes import Item
from kosmos_agent.grit.parsing import Parser
from kosmos_agent.grit.probes import try_detector, try_parser
from kosmos_agent.grit.recipe import Recipe, assemble, detect, propose
from kosmos_agent.grit.rejects import Reject


class Parsing:
    """Stage `parse`. What is no sample passes through, as in the other stages."""

    def __init__(self, parser: Parser, attempts: Attempts) -> None:
        self._parser = parser
        self._guard = Guard(attempts, "parse", partial(try_parser, parser))

    def __call__(self, item: Item) -> Item:
        sample = item.sample
        if sample is None:
            return item

        def read() -> Item:
            return replace(item, sample=None, proposal=propose(sample, self._parser))

        return _through(self._guard, item, sample.key, read)


class Detecting:
    """Stages `detect`, behind which the picture goes, and `assemble`."""

    def __init__(self, detector: Detector, recipe: Recipe, attempts: Attempts) -> None:
        self._detector, self._recipe = detector, recipe
        self._looking = Guard(attempts, "detect", partial(try_detector, detector))
        self._assembling = Guard(attempts, "assemble")

    def __call__(self, item: Item) -> Item:
        return self._assembled(self._detected(item))

    def _detected(self, item: Item) -> Item:
        proposal = item.proposal
        if proposal is None:
            return item

        def look() -> Item:
            return replace(item, proposal=proposal.without_picture(), detected=detect(proposal, self._detector))

        return _through(self._looking, item, proposal.sample.key, look)

    def _assembled(self, item: Item) -> Item:
        proposal, found = item.proposal, item.detected
        if proposal is None or found is None:
            return item

        def put_together() -> Item:
            return replace(item, proposal=None, detected=None, record=assemble(proposal, found, self._recipe))

        return _through(self._assembling, item, proposal.sample.key, put_together)


def _through(guard: Guard, item: Item, key: str, work: Callable[[], Item]) -> Item:
    started = time.perf_counter()
    done = guard.run(item.shard, item.index, key, work)
    after = Item(item.shard, item.index, reject=done) if isinstance(done, Reject) else done
    return replace(after, seconds={**item.seconds, guard.stage: time.perf_counter() - started})
