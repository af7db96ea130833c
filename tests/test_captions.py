from __future__ import annotations

from random import Random

import pytest
from expression_reader import read
from kosmos_sim.captions import MENTIONED, caption, describe
from kosmos_sim.expressions.geometry import is_eligible, measure
from kosmos_sim.lexicon import NUMBERS
from kosmos_sim.records import SceneRecord
from synthetic_scenes import synthetic_record

RECORDS = [synthetic_record(31, index, things=2 + index % 10, side=112, map_side=56) for index in range(30)]


def colour_and_noun(words: str) -> tuple[str, str]:
    colour, noun = words.replace("grey", "gray").split()[-2:]
    return colour, noun


@pytest.mark.parametrize("record", RECORDS)
def test_caption_names_the_largest_things_left_to_right(record: SceneRecord) -> None:
    task = caption(measure(record.objects), Random(0))
    assert task is not None
    assert (task.kind, task.grounded) == ("caption", True)
    first, *middle, last = task.pieces
    assert (first.text, first.given, last.text) == (" An image of", "text", ".")
    linked = [piece for piece in middle if piece.boxes is not None]
    joints = [piece.text for piece in middle if piece.boxes is None]
    assert joints == ([","] * (len(linked) - 2) + [" and"] if len(linked) > 1 else [])

    things = {thing.instance: thing for thing in record.objects}
    named = [instance for piece in linked for instance in piece.instances]
    assert len(named) == len(set(named)) == min(MENTIONED, sum(map(is_eligible, record.objects)))
    for piece in linked:
        colour, noun = colour_and_noun(piece.text)
        assert piece.boxes == tuple(things[instance].box for instance in piece.instances)
        assert {things[instance].colour for instance in piece.instances} == {colour}
        assert all(noun.startswith(things[instance].category) for instance in piece.instances)
        count = len(piece.boxes)
        assert piece.text.split()[0] in (("a", "an") if count == 1 else (NUMBERS[count],))
    starts = [piece.boxes[0][0] + piece.boxes[0][2] for piece in linked]
    assert starts == sorted(starts)


@pytest.mark.parametrize("record", RECORDS)
def test_description_is_true_of_the_given_box(record: SceneRecord) -> None:
    things = {thing.instance: thing for thing in record.objects}
    for seed in range(6):
        task = describe(measure(record.objects, record.T_table_camera), Random(seed))
        assert task is not None
        it, verb, words = task.pieces
        (instance,) = it.instances
        assert (it.given, verb.given, words.given) == ("all", "text", "nothing")
        assert it.boxes == (things[instance].box,)
        assert is_eligible(things[instance])
        surely, _ = read(words.text.strip(), record)
        assert instance in surely


def test_some_descriptions_say_where() -> None:
    texts = [
        describe(measure(record.objects, record.T_table_camera), Random(seed)).pieces[-1].text
        for record in RECORDS
        for seed in range(4)
    ]
    placed = sum(" the " in text for text in texts) / len(texts)
    assert 0.1 < placed < 0.5


def test_nothing_is_said_of_an_empty_table() -> None:
    assert caption(measure(()), Random(0)) is None
    assert describe(measure(()), Random(0)) is None
