"""Labelled pictures as samples: every box is learnt however many there are, and nothing is longer than a row."""

from collections import Counter

import pytest
from tiny_kosmos import TOKENIZER
from training_data import square_picture

from kosmos_agent.errors import InvalidConfigError, InvalidLabelsError
from kosmos_agent.location import box_to_pair
from kosmos_agent.training.labels.labelled import BoxedPicture
from kosmos_agent.training.rows.sample import NO_TARGET
from kosmos_agent.training.sources.boxes import BoxedPictures
from kosmos_agent.training.sources.context import Context

SLOTS = 4
NAMES = [f"{colour} {thing}" for colour in ("red", "blue", "left", "an") for thing in ("cup", "box", "image", "answer")]


def some(count):
    """Boxes of which no two share both corners' cells."""
    cells = [(x / 32, y / 32) for y in range(0, 31, 2) for x in range(0, 31, 2)]
    return [(x + 0.001, y + 0.001, x + 0.06, y + 0.06) for x, y in cells[:count]]


def source(tmp_path, *pictures, row_tokens=96, **options):
    file = tmp_path / "p.png"
    square_picture("red", (0.1, 0.1, 0.5, 0.5)).save(file)
    context = Context(TOKENIZER, SLOTS, size_px=28, row_tokens=row_tokens, fit="stretch", seed=3)
    return BoxedPictures([BoxedPicture(file, tuple(boxes)) for boxes in pictures], context, **options)


def answers(sample):
    """(name, pairs, whether the end is learnt) of each segment."""
    found = []
    for segment in range(1, sample.segments.max() + 1):
        inside = sample.segments == segment
        ids, targets = sample.ids[inside].tolist(), sample.targets[inside].tolist()
        start = ids.index(TOKENIZER.phrase_id) + 1
        words = TOKENIZER.decode(ids[start : ids.index(TOKENIZER.phrase_end_id)]).strip().removeprefix("the ")
        first, last = TOKENIZER.location_id(0), TOKENIZER.location_id(TOKENIZER.grid_side**2 - 1)
        places = [target - first for target in targets if first <= target <= last]
        pairs = tuple(zip(places[::2], places[1::2], strict=True))
        found.append((words, pairs, targets[-1] == TOKENIZER.eos_id))
        assert (TOKENIZER.object_end_id in targets) == (bool(pairs) and found[-1][2])
        assert NO_TARGET in targets
    return found


def pairs_of(boxes):
    return [box_to_pair(box, TOKENIZER.grid_side) for box in boxes]


def test_seventy_boxes_of_one_name_are_all_learnt_and_the_list_is_never_closed(tmp_path):
    boxes = some(70)
    crowded = source(tmp_path, [("red cup", box) for box in boxes], absent=0)
    samples = [crowded.sample(number) for number in range(len(crowded))]
    assert all(len(sample) <= 96 for sample in samples)
    found = [answer for sample in samples for answer in answers(sample)]
    assert Counter(pair for _, pairs, _ in found for pair in pairs) == Counter(pairs_of(boxes))
    assert max(len(pairs) for _, pairs, _ in found) == 16, "as many as the model writes"
    assert not any(closed for *_, closed in found)


def test_sixteen_names_are_asked_about_in_several_samples(tmp_path):
    boxes = some(len(NAMES))
    busy = source(tmp_path, list(zip(NAMES, boxes, strict=True)))
    assert len(busy) > 1
    samples = [busy.sample(number) for number in range(len(busy))]
    assert all(len(sample) <= 96 for sample in samples)
    found = [answer for sample in samples for answer in answers(sample)]
    assert {name: pairs for name, pairs, _ in found} == {
        name: (pair,) for name, pair in zip(NAMES, pairs_of(boxes), strict=True)
    }
    assert len(found) == len(NAMES)
    assert all(closed for *_, closed in found)


@pytest.mark.parametrize("absent", [0, 1, 2, 3])
def test_names_that_are_not_there_are_asked_about_as_often_as_said(tmp_path, absent):
    plain = source(tmp_path, [("red cup", some(1)[0])], [(name, some(1)[0]) for name in NAMES[1:5]], absent=absent)
    for number in range(4):
        found = answers(plain.sample(number))
        nothing = [name for name, pairs, closed in found if not pairs and closed]
        assert len(nothing) == (absent if len(found) - len(nothing) == 1 else min(absent, 1))
        assert len(set(nothing)) == len(nothing)


def test_absent_names_are_two_unless_said_otherwise(tmp_path):
    plain = source(tmp_path, [("red cup", some(1)[0])], [(name, some(1)[0]) for name in NAMES[1:5]])
    counts = [sum(not pairs for _, pairs, _ in answers(plain.sample(number))) for number in range(2)]
    assert sorted(counts) == [1, 2]


def test_a_crowd_is_neither_absent_nor_a_whole_list(tmp_path):
    file = tmp_path / "p.png"
    square_picture("red", (0.1, 0.1, 0.5, 0.5)).save(file)
    (box,) = some(1)
    pictures = [
        BoxedPicture(file, (("red cup", box),), crowds=("red cup", "blue box")),
        BoxedPicture(file, (("blue box", box),)),
    ]
    context = Context(TOKENIZER, SLOTS, size_px=28, row_tokens=96, fit="stretch", seed=3)
    both = BoxedPictures(pictures, context)
    found = sorted(answers(both.sample(number)) for number in range(2))
    assert found[0] == [("blue box", (pairs_of([box])[0],), True), ("red cup", (), True)]
    assert found[1] == [("red cup", (pairs_of([box])[0],), False)]


def test_a_picture_of_crowds_alone_is_told_and_left_out(tmp_path):
    file = tmp_path / "p.png"
    square_picture("red", (0.1, 0.1, 0.5, 0.5)).save(file)
    told = []
    context = Context(TOKENIZER, SLOTS, 28, 96, "stretch", seed=3, on_reject=lambda *facts: told.append(facts))
    crowd = BoxedPicture(file, (), crowds=("red cup",))
    pictures = [BoxedPicture(file, (("red cup", some(1)[0]),)), crowd, BoxedPicture(file, ())]
    known = BoxedPictures(pictures, context, "mine")
    assert len(known) == 2
    assert all((known.sample(number).targets != NO_TARGET).any() for number in range(4))
    ((title, number, error),) = told
    assert (title, number) == ("mine", None)
    assert "1 pictures passed over: crowds of all names" in str(error)
    other = BoxedPicture(file, (("blue box", some(1)[0]),))
    assert len(BoxedPictures([*pictures, other], context)) == 4, "the crowd's picture shows no blue box"
    assert len(told) == 1


def test_rows_too_short_for_one_box_and_pictures_without_any_are_refused(tmp_path):
    with pytest.raises(InvalidConfigError, match=r"p\.png: 'red cup' with one box takes \d+ tokens, .* valid: batch"):
        source(tmp_path, [("red cup", some(1)[0])], row_tokens=16)
    with pytest.raises(InvalidLabelsError, match="no box on any of 1 pictures"):
        source(tmp_path, [])
