"""The fixed splits: which scenes and phrases are for testing, and the refusal to train on them.

The test split is `stream.split_records(TEST)`, asked `split_phrases(TEST, ...)`; validation likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.expressions import Expression, sample_expressions
from kosmos_sim.records import SceneRecord

EVALUATION_WEIGHTS: Mapping[str, float] = {
    "attribute": 18, "category": 10, "colour": 6, "relation": 24, "superlative": 10, "ordinal": 6, "size": 6,
    "plural": 8, "absent": 12,
}  # fmt: skip


@dataclass(frozen=True)
class Split:
    """`scenes` pictures drawn from `seed`, at most `phrases` expressions each.

    held_out_variety: its shapes and surfaces are those that training never shows (`variety.HELD_OUT`).
    """

    name: str
    seed: int
    scenes: int
    phrases: int = 8
    held_out_variety: bool = False


TEST = Split("test", 9_001, 512)
VALIDATION = Split("validation", 8_001, 256)
MITSUBA = Split("mitsuba", 9_101, 200, held_out_variety=True)
OTHER_RENDERER = Split("other", 9_201, 200, held_out_variety=True)
"""The two further looks: drawn by other renderers, from other shapes and surfaces (`looks`)."""
FIXED = Split("fixed", 9_301, 200)
"""Where the fixed pictures of the regression tests are taken from."""
SPLITS = (TEST, VALIDATION, MITSUBA, OTHER_RENDERER, FIXED)
"""None of them may be trained on."""
TRAIN_SEED_FIRST = 100_000


def train_seed(number: int) -> int:
    """Of training set 0, 1, ...; never that of another split. Raises InvalidArgumentError below 0."""
    if number < 0:
        raise InvalidArgumentError(f"training set {number}: must be 0 or more")
    return TRAIN_SEED_FIRST + number


@cache
def record_seeds(split: Split) -> frozenset[int]:
    """Its own, and those that a `SceneCache` of that seed would give its shards: such pictures are not for training."""
    shards = (np.random.SeedSequence([split.seed, shard]).generate_state(1)[0] for shard in range(split.scenes))
    return frozenset({split.seed, *map(int, shards)})


def split_of(record: SceneRecord) -> str:
    """The name of one of `SPLITS`, or `train`, by the scene's seed."""
    for split in SPLITS:
        if record.seed in record_seeds(split):
            return split.name
    return "train"


def scene_phrases(record: SceneRecord, seed: int, count: int) -> list[Expression]:
    """Depends on the scene and the seed alone, not on its place among the records."""
    return sample_expressions(
        record.objects,
        np.random.default_rng([seed, record.seed, record.index]),
        count,
        EVALUATION_WEIGHTS,
        T_table_camera=record.T_table_camera,
    )


def split_phrases(split: Split, records: Iterable[SceneRecord]) -> Iterator[tuple[SceneRecord, list[Expression]]]:
    """Every scene of the split with its fixed expressions. Raises InvalidArgumentError for a scene of another."""
    for record in records:
        if record.seed not in record_seeds(split):
            raise InvalidArgumentError(f"scene seed {record.seed}: {split.name} scenes are drawn from {split.seed}")
        yield record, scene_phrases(record, split.seed, split.phrases)
