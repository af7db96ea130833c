"""Grounded pairs of a GrIT folder, as pre-training takes them and as instructions made of them (paper 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from kosmos_agent.grit.manifest import Manifest
from kosmos_agent.grit.reading import GroundedPair, ReadSettings, grounded_pair
from kosmos_agent.grit.records import GritRecord
from kosmos_agent.grit.sequences import grounded_ids
from kosmos_agent.grit.shards import RUN
from kosmos_agent.grit.table import holds_grit, read_rows
from kosmos_agent.training.rows.sample import Sample
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.referring import as_expression, as_location
from kosmos_agent.training.sources.shards import ShardedSamples
from kosmos_agent.training.sources.source import dice

_KEPT_TABLES = 4


class GritPairs:
    """Pairs of a folder by their number in an endless shuffled stream."""

    def __init__(self, folder: Path, context: Context, title: str) -> None:
        manifest = Manifest.read(folder)
        pictures = folder if manifest is None else manifest.pictures(folder)
        run = RUN if manifest is None else manifest.shard_samples
        self._folder = folder
        self._table = lru_cache(maxsize=_KEPT_TABLES)(self._read_table)
        self._samples = ShardedSamples(
            pictures,
            context.seed,
            run=run,
            only=lambda shard: self._table(shard.name),
            beside=folder,
            on_bad=partial(context.on_reject, title, None),
            index=context.index,
        )
        self._settings = ReadSettings(size_px=context.size_px, fit=context.fit)

    def __len__(self) -> int:
        return len(self._samples)

    def draw(self, number: int) -> GroundedPair:
        """A coded error for a pair that keeps no box, and for anything else that is wrong with it."""
        shard, sample = self._samples.draw(number)
        table = self._table(shard.name)
        row = {**sample.facts(), "key": sample.key} if table is None else table[sample.key]
        return grounded_pair(sample, GritRecord.from_row(row), self._settings)

    def _read_table(self, name: str) -> Mapping[str, Mapping[str, Any]] | None:
        path = self._folder / f"{name}.parquet"
        return {str(row["key"]): row for row in read_rows(path)} if holds_grit(path) else None


class Grounded:
    """Captions whose spans carry boxes; `1 - boxes_share` of them plain (the released `use_object_bbox_prob`)."""

    def __init__(self, folder: Path, context: Context, title: str, boxes_share: float) -> None:
        self._pairs, self._context = GritPairs(folder, context, title), context
        self._title, self._boxes_share = title, boxes_share

    def __len__(self) -> int:
        return len(self._pairs)

    def sample(self, number: int) -> Sample:
        context, pair = self._context, self._pairs.draw(number)
        writer = context.writer().picture(pair.rgb)
        if dice(context.seed, self._title, number).random() < self._boxes_share:
            return writer.add(grounded_ids(pair.text, context.tokenizer)).finish()
        return writer.add(context.words(pair.text.text)).add([context.tokenizer.eos_id]).finish()


class Referring:
    """Grounded instructions: half of them from a box to its expression, half from the expression to its boxes."""

    def __init__(self, folder: Path, context: Context, title: str) -> None:
        self._pairs, self._context, self._title = GritPairs(folder, context, title), context, title

    def __len__(self) -> int:
        return len(self._pairs)

    def sample(self, number: int) -> Sample:
        context, pair = self._context, self._pairs.draw(number)
        random = dice(context.seed, self._title, number)
        entity = pair.text.entities[random.integers(len(pair.text.entities))]
        writer = context.writer().picture(pair.rgb)
        if random.random() < 0.5:
            return as_expression(writer, entity, random).finish()
        return as_location(writer, entity).finish()
