"""The stages on Ray Data: some processes read and parse, a pool of others holds the detectors.

Items stream through: a picture lives from the process that reads it to the one that looks at it. What comes out goes
to the one writer of `building`, so that the files are those of a single process.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext

from kosmos_agent.grit.attempts import Attempts
from kosmos_agent.grit.building import Makers
from kosmos_agent.grit.detection import Detector
from kosmos_agent.grit.errors import PipelineError
from kosmos_agent.grit.outcomes import Item, shard_items
from kosmos_agent.grit.parsing import Parser
from kosmos_agent.grit.recipe import Recipe
from kosmos_agent.grit.shards import Shard
from kosmos_agent.grit.stages import Detecting, Parsing
from kosmos_agent.ray_cluster import connect

_BLOCK_BYTES = 8 * 2**20
"""Of items between two stages: small blocks keep every detector busy and little in memory."""
_DETECTORS_TO_A_PARSER = 8
"""Parsing takes milliseconds and detecting a hundred of them on a CPU, tens on a GPU (docs/grit.md)."""
_DEATHS = (ray.exceptions.RayActorError, ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError)
_ERROR_LINE = re.compile(r"[\w.]+(Error|Exception)\b[^:]*: .")
Row = dict[str, Any]


@dataclass(frozen=True)
class RayEngine:
    """address: of a running cluster; None starts a local one for this run. workers: processes with a detector.

    Every machine of a cluster must see the pictures and the built folder under the same path, and have this package.
    PipelineError where a stage cannot start or the cluster is lost.
    """

    address: str | None = None
    workers: int = 1
    gpus_per_worker: int = 0

    def __call__(self, shards: Sequence[Shard], makers: Makers, recipe: Recipe, attempts: Path) -> Iterator[Item]:
        if not shards:
            return
        try:
            ours = connect(self.address, max(os.cpu_count() or 1, self.workers + self._parsers))
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise PipelineError(f"no Ray cluster at {self.address or 'this machine'}: {error}") from error
        try:
            with _ended_by_the_driver(Attempts(attempts)):
                for row in self._dataset(shards, makers, recipe, attempts).iter_rows():
                    yield row["item"]
        except ray.exceptions.RayError as error:
            raise PipelineError(f"Ray could not go on: {_cause(error)}; shards that were finished are kept") from error
        finally:
            if ours:
                ray.shutdown()

    @property
    def _parsers(self) -> int:
        return -(-self.workers // _DETECTORS_TO_A_PARSER)

    def _dataset(self, shards: Sequence[Shard], makers: Makers, recipe: Recipe, attempts: Path) -> Any:
        context = DataContext.get_current()
        context.target_max_block_size = _BLOCK_BYTES
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        rows = [{"shard": shard} for shard in shards]
        detect: Any = _Detect  # a class stands for a pool of processes, which Ray's own annotation does not say
        return (
            ray.data.from_items(rows, override_num_blocks=len(rows))
            .flat_map(
                _ReadAndParse,
                fn_constructor_args=(makers.parser, attempts),
                compute=ActorPoolStrategy(size=self._parsers),
            )
            .map(
                detect,
                fn_constructor_args=(makers.detector, recipe, attempts),
                compute=ActorPoolStrategy(size=self.workers),
                num_cpus=1,
                num_gpus=self.gpus_per_worker,
            )
        )


@contextmanager
def _ended_by_the_driver(marks: Attempts) -> Iterator[None]:
    """Ctrl-C, an error elsewhere: the processes that are ended thereby did not die of their pairs.

    They did where Ray gave up because a process died.
    """
    before = marks.counts()
    try:
        yield
    except _DEATHS:
        raise
    except BaseException:
        with suppress(OSError):
            marks.end(before)
        raise


class _ReadAndParse:
    def __init__(self, parser: Callable[[], Parser], attempts: Path) -> None:
        self._parse = Parsing(parser(), Attempts(attempts))

    def __call__(self, row: Row) -> Iterator[Row]:
        for item in shard_items(row["shard"]):
            yield {"item": self._parse(item)}


class _Detect:
    def __init__(self, detector: Callable[[], Detector], recipe: Recipe, attempts: Path) -> None:
        self._look = Detecting(detector(), recipe, Attempts(attempts))

    def __call__(self, row: Row) -> Row:
        return {"item": self._look(row["item"])}


def _cause(error: ray.exceptions.RayError) -> str:
    """Ray prints the traceback of the process where it happened, then its own errors and hints about them."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if _ERROR_LINE.match(line)]
    theirs = [line for line in named if not line.startswith("ray.")]
    return (theirs or named or lines or [type(error).__name__])[-1]
