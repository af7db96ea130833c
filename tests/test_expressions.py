"""Every expression is read again by `expression_reader`: its words must fit the stated things and no others."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from expression_reader import read
from hypothesis import given, settings
from hypothesis import strategies as st
from kosmos_sim.expressions import KINDS, Expression, sample_expressions
from kosmos_sim.lexicon import CATEGORIES, COLOURS, lookalikes
from kosmos_sim.records import SceneObject, SceneRecord
from synthetic_scenes import synthetic_record

from kosmos_agent.errors import InvalidArgumentError

SCENES = 40


@cache
def scene(index: int) -> SceneRecord:
    return synthetic_record(11, index, things=2 + index % 11, side=112, map_side=56)


def phrases(record: SceneRecord, seed: int, count: int = 12, **weights: float) -> list[Expression]:
    rng = np.random.default_rng(seed)
    return sample_expressions(record.objects, rng, count, weights or None, T_table_camera=record.T_table_camera)


def of_kind(kind: str, draws: int = 1) -> list[tuple[SceneRecord, Expression]]:
    found = [
        (scene(index), phrase)
        for index in range(SCENES)
        for draw in range(draws)
        for phrase in phrases(scene(index), index + SCENES * draw, **{kind: 1})
    ]
    assert len(found) >= SCENES // 2, f"too few expressions of kind {kind} to prove anything"
    return found


def thing_of(record: SceneRecord, instance: int) -> SceneObject:
    return next(thing for thing in record.objects if thing.instance == instance)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, SCENES - 1), st.integers(0, 10_000))
def test_words_fit_the_stated_things_and_no_others(index: int, seed: int) -> None:
    record = scene(index)
    for phrase in phrases(record, seed):
        surely, possibly = read(phrase.text, record)
        assert surely == possibly == set(phrase.referents), phrase


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_by_itself(kind: str) -> None:
    for record, phrase in of_kind(kind):
        assert phrase.kind == kind
        surely, possibly = read(phrase.text, record)
        assert surely == possibly == set(phrase.referents), phrase


def test_number_of_referents_belongs_to_the_kind() -> None:
    for kind in KINDS:
        for _, phrase in of_kind(kind):
            count = len(phrase.referents)
            assert count == 0 if kind == "absent" else count > 1 if kind == "plural" else count == 1


def test_referents_show_well() -> None:
    for index in range(SCENES):
        for phrase in phrases(scene(index), 3):
            for instance in phrase.referents:
                thing = thing_of(scene(index), instance)
                x1, y1, x2, y2 = thing.box
                assert thing.visible >= 0.3
                assert min(x2 - x1, y2 - y1) >= (16 if thing.truncated else 10) / 224


def test_a_barely_visible_rival_spoils_a_phrase() -> None:
    record = scene(9)
    phrase = phrases(record, 0, 1, attribute=1)[0]
    thing = thing_of(record, phrase.referents[0])
    x1, y1, _, _ = thing.box
    rival = replace(thing, instance=250, pixels=1, visible=0.001, box=(x1, y1, x1 + 0.01, y1 + 0.01))
    spoilt = replace(record, objects=(*record.objects, rival))
    for seed in range(20):
        for found in phrases(spoilt, seed, attribute=1, category=1, colour=1, plural=1):
            assert not {thing.instance, 250} & set(found.referents), found


def test_plurals_are_ordered_left_to_right() -> None:
    for record, phrase in of_kind("plural"):
        centres = [sum(thing_of(record, instance).box[::2]) for instance in phrase.referents]
        assert centres == sorted(centres)


def test_absent_things_do_not_even_resemble_one_that_is_there() -> None:
    for record, phrase in of_kind("absent"):
        words = phrase.text.replace("grey", "gray").split()
        if len(words) != 3 or words[0] not in ("the", "a", "an"):
            continue
        fits = [thing for thing in record.objects if thing.colour == words[1]]
        assert not any(words[2] in lookalikes(thing.category) for thing in fits), phrase


def test_nothing_that_resembles_an_absent_thing_is_at_its_place() -> None:
    """`the mug left of the box` is not said to be absent where a cup of that colour stands left of it."""
    tried = 0
    for record, phrase in of_kind("absent", draws=6):
        text = phrase.text.replace("grey", "gray")
        match = re.match(rf"(?:(?:the|an?) )?(?:(?:{'|'.join(COLOURS)}) )?({'|'.join(CATEGORIES)}) .*the ", text)
        for near in lookalikes(match[1]) - {match[1]} if match else ():
            tried += 1
            assert not read(text.replace(match[1], near, 1), record)[1], (phrase, near)
    assert tried > 30


def test_most_absent_things_are_hard() -> None:
    """They share a colour, a category or an anchor with something in the picture."""
    found = of_kind("absent")
    hard = sum(
        any(
            {thing.colour, thing.category} & set(phrase.text.replace("grey", "gray").split())
            for thing in record.objects
        )
        for record, phrase in found
    )
    assert hard / len(found) > 0.7


def test_without_the_camera_nothing_is_said_of_depth() -> None:
    for index in range(SCENES):
        found = sample_expressions(
            scene(index).objects, np.random.default_rng(0), 12, {"relation": 1, "superlative": 1}
        )
        for phrase in found:
            assert not {"behind", "front", "farthest", "furthest"} & set(phrase.text.split())


def test_same_seed_same_phrases() -> None:
    assert phrases(scene(8), 5) == phrases(scene(8), 5)
    assert phrases(scene(8), 5) != phrases(scene(8), 6)


def test_phrases_of_one_draw_differ() -> None:
    for index in range(SCENES):
        texts = [phrase.text for phrase in phrases(scene(index), 1)]
        assert len(texts) == len(set(texts))


def test_mixture_follows_the_weights_where_the_scene_allows() -> None:
    kinds = Counter(
        phrase.kind for index in range(SCENES) for phrase in phrases(scene(index), 2, 8, attribute=3, absent=1)
    )
    assert 0.15 < kinds["absent"] / kinds.total() < 0.5


def test_unknown_kind_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(InvalidArgumentError, match=r"colr.*attribute"):
        phrases(scene(0), 0, 1, colr=1)


def test_an_empty_table_admits_only_absent_things() -> None:
    found = sample_expressions((), np.random.default_rng(0), 5)
    assert found
    assert {phrase.kind for phrase in found} == {"absent"}
