from __future__ import annotations

from random import Random

import numpy as np
import pytest
from kosmos_sim import colours, objects
from kosmos_sim.examples import DEFAULT_MIXTURE, draw_tasks
from kosmos_sim.expressions.relations import wording
from kosmos_sim.expressions.text import plural, with_article
from kosmos_sim.lexicon import CATEGORIES, COLOURS, CONTAINERS, lookalikes
from kosmos_sim.words import split_words, vocabulary
from synthetic_scenes import synthetic_record


def test_the_vocabulary_is_just_what_the_generators_say() -> None:
    said: set[str] = set()
    for index in range(150):
        words = {"categories": CATEGORIES[index % 5 :: 6], "colours": COLOURS[index % 3 :: 3]}
        record = synthetic_record(61, index, things=2 + index % 15, side=64, map_side=32, **words)
        tasks = draw_tasks(record, Random(index), 60, {**DEFAULT_MIXTURE, "question": 60})
        said.update(word for task in tasks for piece in task.pieces for word in split_words(piece.text))
    assert said - set(vocabulary()) == set()
    assert set(vocabulary()) - said == set()


def test_the_words_are_those_of_the_simulation() -> None:
    assert set(CATEGORIES) == set(objects.CATEGORIES)
    assert set(COLOURS) == set(colours.COLOURS)
    assert set(CATEGORIES) >= CONTAINERS


def test_in_is_said_of_what_is_inside() -> None:
    rng = np.random.default_rng(0)
    supports = {word: build(rng).support for word, build in objects.CATEGORIES.items()}
    assert {word for word, support in supports.items() if support and support.inside} == {"bowl", "pot"}
    for word, support in supports.items():
        if support is not None:
            assert (wording("on", word, Random(0)) in ("in", "inside")) == support.inside


def test_vocabulary_of_other_words() -> None:
    words = vocabulary(categories=("measuring cup",), colours=("teal",))
    assert {"measuring", "cup", "cups", "teal"} <= set(words)
    assert "hammer" not in words
    assert words == sorted(set(words))


def test_splitting() -> None:
    assert split_words(" Question: How many cups?") == ["question", ":", "how", "many", "cups", "?"]


@pytest.mark.parametrize(
    ("noun", "many"), [("cup", "cups"), ("box", "boxes"), ("knife", "knives"), ("berry", "berries"), ("toy", "toys")]
)
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many


def test_articles() -> None:
    assert with_article("apple") == "an apple"
    assert with_article("red apple") == "a red apple"


def test_looking_alike_goes_both_ways() -> None:
    for one in CATEGORIES:
        assert one in lookalikes(one)
        assert all(one in lookalikes(other) for other in lookalikes(one))
