from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from expression_reader import read
from kosmos_sim.cache import shard_seed
from kosmos_sim.examples import evaluation_examples, training_examples
from kosmos_sim.expressions import KINDS
from kosmos_sim.splits import (
    MITSUBA,
    OTHER_RENDERER,
    SPLITS,
    TEST,
    VALIDATION,
    Split,
    record_seeds,
    split_of,
    split_phrases,
    train_seed,
)
from kosmos_sim.stream import scene_record, split_records
from synthetic_scenes import synthetic_record

from kosmos_agent.errors import InvalidArgumentError

RECORDS = [synthetic_record(TEST.seed, index, things=4 + index % 7, side=64, map_side=32) for index in range(64)]


def test_seeds_never_meet() -> None:
    seeds = {train_seed(number) for number in range(10_000)}
    assert len(seeds) == 10_000
    for split in SPLITS:
        seeds_of_split = record_seeds(split)
        assert not seeds & seeds_of_split
        seeds |= seeds_of_split
    with pytest.raises(InvalidArgumentError, match="set -1"):
        train_seed(-1)


def test_a_scene_tells_its_split() -> None:
    record = RECORDS[0]
    assert split_of(record) == "test"
    assert split_of(replace(record, seed=VALIDATION.seed)) == "validation"
    assert split_of(replace(record, seed=train_seed(3))) == "train"


@pytest.mark.parametrize("split", SPLITS)
def test_cached_scenes_belong_to_the_split_of_their_cache(split: Split) -> None:
    record = replace(RECORDS[0], seed=shard_seed(split.seed, 1))
    assert split_of(record) == split.name
    assert split_of(replace(record, seed=shard_seed(train_seed(0), 1))) == "train"


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split.name)
def test_training_on_the_scenes_of_a_split_is_refused(split: Split) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{split.name} split"):
        next(training_examples([replace(RECORDS[0], seed=split.seed)], 0))


def test_the_two_looks_are_of_other_shapes_and_large_enough() -> None:
    assert {split.name: split.scenes for split in SPLITS if split.held_out_variety} == {"mitsuba": 200, "other": 200}
    assert {MITSUBA.seed, OTHER_RENDERER.seed} == {9_101, 9_201}


def test_phrases_are_fixed_and_enough() -> None:
    first = [phrases for _, phrases in split_phrases(TEST, RECORDS)]
    assert first == [phrases for _, phrases in split_phrases(TEST, RECORDS)]
    assert sum(map(len, first)) / len(RECORDS) * TEST.scenes >= 2000
    kinds = Counter(phrase.kind for phrases in first for phrase in phrases)
    assert set(kinds) == set(KINDS)


def test_the_scenes_of_a_split_are_its_stream() -> None:
    small = replace(VALIDATION, scenes=2)
    first, second = split_records(small)
    assert [record.seed for record in (first, second)] == [VALIDATION.seed] * 2
    np.testing.assert_array_equal(first.rgb, scene_record(VALIDATION.seed, 0).rgb)
    assert second.objects == scene_record(VALIDATION.seed, 1).objects
    assert len(list(split_records(small, 9))) == 2
    assert len(list(split_records(small, 1))) == 1


def test_splits_need_no_renderer() -> None:
    code = "import sys, kosmos_sim.splits; sys.exit('mujoco' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_phrases_are_true() -> None:
    for record, phrases in split_phrases(TEST, RECORDS):
        for phrase in phrases:
            surely, possibly = read(phrase.text, record)
            assert surely == possibly == set(phrase.referents), phrase


def test_evaluation_examples_ask_the_same() -> None:
    examples = evaluation_examples(RECORDS, TEST.seed, phrases=TEST.phrases, size=64)
    for (_, phrases), example in zip(split_phrases(TEST, RECORDS), examples, strict=True):
        assert [f" {phrase.text}" for phrase in phrases] == [task.pieces[0].text for task in example.tasks]


def test_scenes_of_another_split_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="validation"):
        next(split_phrases(VALIDATION, RECORDS))
