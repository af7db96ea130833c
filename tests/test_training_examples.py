from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice

import numpy as np
import pytest
from expression_reader import read
from kosmos_sim.examples import DEFAULT_MIXTURE, evaluation_examples, renumbered, training_examples
from kosmos_sim.expressions import KINDS
from kosmos_sim.records import SceneRecord
from synthetic_scenes import synthetic_record

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.training.examples import Example

RECORDS = [synthetic_record(51, index, things=3 + index % 9) for index in range(24)]
EMPTY = SceneRecord(51, 99, RECORDS[0].rgb, np.zeros((112, 112), np.uint8), (), np.eye(3), np.eye(4))


def same(a: Example, b: Example) -> bool:
    images = np.array_equal(a.rgb, b.rgb) and np.array_equal(a.instance_map, b.instance_map)
    return images and a.objects == b.objects and a.tasks == b.tasks


def test_shapes_and_numbering() -> None:
    for example in islice(training_examples(RECORDS, 0), 60):
        assert example.rgb.shape == (224, 224, 3)
        assert example.rgb.dtype == example.instance_map.dtype == np.uint8
        assert example.instance_map.shape == (112, 112)
        assert set(np.unique(example.instance_map)) <= set(range(len(example.objects) + 1))
        for number, thing in enumerate(example.objects, 1):
            x1, y1, x2, y2 = thing.box
            assert 0 <= x1 < x2 <= 1
            assert 0 <= y1 < y2 <= 1
            rows, columns = np.nonzero(example.instance_map == number)
            inside = (columns + 1 >= x1 * 112 - 1) & (columns <= x2 * 112 + 1)
            inside &= (rows + 1 >= y1 * 112 - 1) & (rows <= y2 * 112 + 1)
            assert inside.all()


def test_tasks_point_at_the_objects_of_their_boxes() -> None:
    for example in islice(training_examples(RECORDS, 1), 60):
        assert 0 < len(example.tasks) <= 8
        for piece in (piece for task in example.tasks for piece in task.pieces):
            if piece.boxes is None:
                assert piece.instances == ()
            else:
                assert piece.boxes == tuple(example.objects[number - 1].box for number in piece.instances)


def test_referring_tasks_are_one_given_phrase() -> None:
    for example in islice(training_examples(RECORDS, 2), 60):
        for task in example.tasks:
            if task.kind not in KINDS:
                continue
            (piece,) = task.pieces
            assert (task.grounded, piece.given, piece.text[0]) == (True, "text", " ")
            assert len(piece.boxes) == 0 if task.kind == "absent" else len(piece.boxes) >= 1
            assert (len(piece.boxes) > 1) == (task.kind == "plural")


def test_either_is_now_one_now_another_of_the_things_that_its_phrase_fits() -> None:
    views = {record.rgb.tobytes(): renumbered(record) for record in RECORDS}
    drawn = defaultdict(set)
    for example in islice(training_examples(RECORDS, 8, mixture={"either": 1}, augment=False), 300):
        picture = example.rgb.tobytes()
        for task in example.tasks:
            (piece,) = task.pieces
            surely, _ = read(piece.text.strip(), views[picture])
            assert len(piece.boxes) == 1
            assert set(piece.instances) < surely
            drawn[picture, piece.text].add(piece.instances)
    assert any(len(different) > 1 for different in drawn.values())


def test_every_picture_once_per_round_in_a_new_order() -> None:
    plain = list(islice(training_examples(RECORDS, 3, augment=False), 2 * len(RECORDS)))
    rounds = [[example.rgb.tobytes() for example in half] for half in (plain[:24], plain[24:])]
    assert set(rounds[0]) == set(rounds[1]) == {record.rgb.tobytes() for record in RECORDS}
    assert rounds[0] != rounds[1]


def test_same_seed_same_examples() -> None:
    draws = [list(islice(training_examples(RECORDS, seed), 12)) for seed in (4, 4, 5)]
    assert all(map(same, draws[0], draws[1]))
    assert not any(map(same, draws[0], draws[2]))


def test_mixture() -> None:
    kinds = Counter(
        task.kind for example in islice(training_examples(RECORDS, 6, size=32), 300) for task in example.tasks
    )
    total, shares = kinds.total(), sum(DEFAULT_MIXTURE.values())
    assert set(kinds) == set(DEFAULT_MIXTURE)
    for kind in ("attribute", "relation", "absent", "describe", "question", "caption"):
        assert kinds[kind] / total == pytest.approx(DEFAULT_MIXTURE[kind] / shares, rel=0.7)


def test_a_mixture_without_referring_kinds() -> None:
    example = next(training_examples(RECORDS, 0, mixture={"caption": 1}, phrases=2))
    assert {task.kind for task in example.tasks} == {"caption"}


def test_pictures_of_nothing_are_left_out() -> None:
    assert next(training_examples([EMPTY, RECORDS[0]], 0, mixture={"attribute": 1})).tasks
    with pytest.raises(InvalidArgumentError, match="empty"):
        next(training_examples([EMPTY], 0, mixture={"attribute": 1}))


def test_refusals() -> None:
    with pytest.raises(InvalidArgumentError, match="no records"):
        next(training_examples([], 0))
    with pytest.raises(InvalidArgumentError, match=r"poem.*describe"):
        next(training_examples(RECORDS, 0, mixture={"poem": 1}))


def test_evaluation_is_fixed_and_unaltered() -> None:
    first, again = list(evaluation_examples(RECORDS, 7)), list(evaluation_examples(RECORDS, 7))
    assert all(map(same, first, again))
    assert len(first) == len(RECORDS)
    for record, example in zip(RECORDS, first, strict=True):
        np.testing.assert_array_equal(example.rgb, record.rgb)
        view = renumbered(record)
        for task in example.tasks:
            surely, possibly = read(task.pieces[0].text.strip(), view)
            assert surely == possibly == set(task.pieces[0].instances)
    assert {task.kind for example in first for task in example.tasks} == set(KINDS)


def test_evaluation_does_not_depend_on_the_company() -> None:
    alone = next(evaluation_examples(RECORDS[5:6], 7))
    assert same(alone, list(evaluation_examples(RECORDS, 7))[5])


def test_renumbering_keeps_what_stands_on_what() -> None:
    for record in RECORDS:
        names = {thing.instance: number for number, thing in enumerate(record.objects, 1)}
        for before, after in zip(record.objects, renumbered(record).objects, strict=True):
            assert after.instance == names[before.instance]
            assert after.on == names.get(before.on, 0)
