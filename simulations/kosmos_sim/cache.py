"""Labelled pictures kept on disk: rendered once, shard by shard, read back at random.

Pictures are kept as JPEG, so a cached record is not bit-equal to a streamed one; its labels are. Depth is not kept.
Shard k holds records 0 to `shard` of `scene_records(shard_seed(seed, k))`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.records import SceneRecord
from kosmos_sim.shards import Shard, write_shard
from kosmos_sim.splits import train_seed
from kosmos_sim.stream import GENERATOR_VERSION, scene_records

_DESCRIPTION = "cache.json"
_FORMAT = 2
_OPEN_SHARDS = 128
"""Each holds three files open."""


def shard_seed(seed: int, shard_index: int) -> int:
    """An independent seed for each shard of each seed, below 2**32."""
    return int(np.random.SeedSequence([seed, shard_index]).generate_state(1)[0])


def render_shard(folder: Path, seed: int, shard_index: int, count: int, size: int) -> int:
    """Renders one shard into the cache folder unless it is there; returns its number of pictures."""
    target = folder / f"shard-{shard_index:05d}"
    if not target.is_dir():
        write_shard(target, scene_records(shard_seed(seed, shard_index), count, size=size))
    return count


class SceneCache:
    """Records 0 to count - 1 of a seed, rendered when first needed and kept in `folder`.

    shard: pictures per shard. Raises InvalidArgumentError where the folder holds another seed, shard or size, or
    pictures of another version of the format or of the generator.
    Several processes may read and fill one folder at the same time.
    """

    def __init__(self, folder: Path | str, seed: int, count: int, shard: int = 500, size: int = 224) -> None:
        if count < 1 or shard < 1:
            raise InvalidArgumentError(f"count {count} and shard {shard} must be 1 or more")
        self.folder, self.seed, self.count, self.shard, self.size = Path(folder), seed, count, shard, size
        self._open: OrderedDict[int, Shard] = OrderedDict()
        self._claim()

    def _claim(self) -> None:
        versions = {"format": _FORMAT, "generator": GENERATOR_VERSION}
        wanted = {**versions, "seed": self.seed, "shard": self.shard, "size": self.size}
        path = self.folder / _DESCRIPTION
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_whole(path, json.dumps(wanted) + "\n")
        found = _described(path)
        if {name: found.get(name) for name in versions} != versions:
            raise InvalidArgumentError(
                f"{self.folder} was rendered by another version ({found}; this one: {versions}); "
                "delete it or name another folder"
            )
        if found != wanted:
            raise InvalidArgumentError(f"{self.folder} holds {found}, not {wanted}; name another folder")

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[SceneRecord]:
        return (self[index] for index in range(self.count))

    def __getitem__(self, index: int) -> SceneRecord:
        """Renders the shard first where it is missing, which takes seconds."""
        if not 0 <= index < self.count:
            raise IndexError(f"record {index} of {self.count}")
        number, within = divmod(index, self.shard)
        return self._shard(number)[within]

    @property
    def shards(self) -> int:
        return -(-self.count // self.shard)

    @property
    def ready(self) -> int:
        """How many records from 0 on can be read without rendering."""
        done = 0
        while done < self.shards and self._path(done).is_dir():
            done += 1
        return min(self.count, done * self.shard)

    def _path(self, number: int) -> Path:
        return self.folder / f"shard-{number:05d}"

    def _shard(self, number: int) -> Shard:
        if number not in self._open:
            render_shard(self.folder, self.seed, number, self.shard, self.size)
            self._open[number] = Shard(self._path(number))
            if len(self._open) > _OPEN_SHARDS:
                self._open.popitem(last=False)
        self._open.move_to_end(number)
        return self._open[number]

    def fill(self, workers: int = 1) -> None:
        """Renders all that is missing, in `workers` processes, with a progress bar. Safe to stop and call again."""
        missing = [number for number in range(self.shards) if not self._path(number).is_dir()]
        columns = (TextColumn("rendering"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        # A forked child would share the parent's GL state.
        context = multiprocessing.get_context("spawn")
        with Progress(*columns) as progress, ProcessPoolExecutor(workers, mp_context=context) as pool:
            bar = progress.add_task("rendering", total=self.shards, completed=self.shards - len(missing))
            jobs = [
                pool.submit(render_shard, self.folder, self.seed, number, self.shard, self.size) for number in missing
            ]
            for job in as_completed(jobs):
                job.result()
                progress.advance(bar)


def _write_whole(path: Path, text: str) -> None:
    """Nobody ever reads half of it: written beside, then renamed."""
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)


def _described(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidArgumentError(f"{path} does not describe a cache; delete {path.parent} or name another folder")
    return found


def main(
    folder: Annotated[Path, typer.Option(help="Where the pictures are kept.")],
    training_set: Annotated[int, typer.Option(help="Which pictures: `--seed` of `train tabletop`.", min=0)] = 0,
    count: Annotated[int, typer.Option(help="How many.", min=1)] = 16000,
    workers: Annotated[int, typer.Option(help="Processes that render.", min=1)] = 2,
    shard: Annotated[int, typer.Option(help="Pictures per folder.", min=1)] = 500,
    size: Annotated[int, typer.Option(help="Side of a picture in pixels.", min=32)] = 224,
) -> None:
    """Renders labelled pictures into a cache; what is already there stays."""
    SceneCache(folder, train_seed(training_set), count, shard, size).fill(workers)


if __name__ == "__main__":
    typer.run(main)
