"""Pairs in, GrIT out, in one process; `ray_engine` runs the same stages on many."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grit.attempts import ATTEMPTS, Attempts
from kosmos_agent.grit.detection import Detector
from kosmos_agent.grit.manifest import Manifest
from kosmos_agent.grit.outcomes import Item, shard_items
from kosmos_agent.grit.parsing import Parser
from kosmos_agent.grit.recipe import Recipe
from kosmos_agent.grit.shards import RUN, Shard, find_shards
from kosmos_agent.grit.stages import Detecting, Parsing
from kosmos_agent.grit.writing import ShardWriter, Tally


@dataclass(frozen=True)
class Makers:
    """How a process gets its parser and its detector, and what they are called in grit.json.

    Both are called once in each process that needs them; they must be picklable for `ray_engine`.
    """

    parser: Callable[[], Parser]
    detector: Callable[[], Detector]
    parser_name: str
    detector_name: str


class Engine(Protocol):
    """Runs the stages over the shards; items come in any order, each shard with its end.

    attempts: the folder of marks (`attempts.py`), which is there.
    """

    def __call__(self, shards: Sequence[Shard], makers: Makers, recipe: Recipe, attempts: Path) -> Iterator[Item]: ...


class OnProgress(Protocol):
    """Is told of each pair; `shard_done` with the last one of a shard."""

    def __call__(self, item: Item, *, shard_done: bool) -> None: ...


def single_process(shards: Sequence[Shard], makers: Makers, recipe: Recipe, attempts: Path) -> Iterator[Item]:
    """One pair in memory at a time, in order."""
    marks = Attempts(attempts)
    parse, look = Parsing(makers.parser(), marks), Detecting(makers.detector(), recipe, marks)
    for shard in shards:
        for item in shard_items(shard):
            yield look(parse(item))


def plan(pairs: Path, out: Path, makers: Makers, recipe: Recipe, shard_samples: int = RUN) -> list[Shard]:
    """The shards that are still to do. Claims the folder `out` with a grit.json.

    InvalidArgumentError for pairs without shards, or an `out` that was built otherwise.
    """
    shards = find_shards(pairs.resolve(), shard_samples)
    if out.resolve() == pairs.resolve():
        raise InvalidArgumentError(f"--out {out} is the folder of the pairs; valid: another one")
    writer = ShardWriter(out)
    settings = {**recipe.settings(), "parser": makers.parser_name, "detector": makers.detector_name}
    if Manifest(os.path.relpath(pairs.resolve(), out.resolve()), shard_samples, settings).write(out):
        writer.start_afresh(shards)
    return writer.waiting(shards)


def build(
    shards: Sequence[Shard],
    out: Path,
    makers: Makers,
    recipe: Recipe,
    engine: Engine = single_process,
    on_progress: OnProgress | None = None,
) -> Tally:
    """Builds `shards`, as `plan` gave them. Stopped at any point, the same call later goes on with the next shard.

    PipelineError where the fault is not the pairs'.
    """
    writer = ShardWriter(out)
    for item in engine(shards, makers, recipe, (out / ATTEMPTS).resolve()):
        done = writer.add(item)
        if on_progress is not None:
            on_progress(item, shard_done=done)
    writer.end()
    return writer.tally
