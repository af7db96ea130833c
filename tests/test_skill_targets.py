"""Ids: one thing keeps its own, two things never share one."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_pick_by_sight import target

from kosmos_agent.errors import UnknownTargetError
from kosmos_agent.results import Box
from kosmos_agent.skills.targets import ONE_THING_M, Remembered, TargetBook, distance_m

SAME_M = 0.04


def box(x):
    return Box(x1=x, y1=0.4, x2=x + 0.1, y2=0.6)


def thing(x_m, phrase="the can", x=0.4):
    return Remembered(phrase, box(x), target(x_m))


def flat(x, phrase="the can"):
    return Remembered(phrase, box(x))


@pytest.fixture
def book():
    return TargetBook(SAME_M, 8)


def test_a_thing_keeps_its_id_while_it_moves_a_little_whatever_it_is_called(book):
    (first,) = book.remember([thing(0.0)])
    for x_m in (0.01, 0.04, 0.07):
        assert book.remember([thing(x_m, f"the thing at {x_m}")]) == (first,)
    assert book.find(first).phrase == "the thing at 0.07"
    assert book.remember([thing(0.2)]) != (first,)


def test_without_metres_it_is_known_by_its_words_and_its_box(book):
    (first,) = book.remember([flat(0.4)])
    assert book.remember([flat(0.41)]) == (first,)
    assert book.remember([flat(0.41, "the cup")]) != (first,)
    assert book.remember([flat(0.6)]) != (first,)


def test_a_look_without_depth_does_not_forget_where_it_was(book):
    (first,) = book.remember([thing(0.1)])
    assert book.remember([flat(0.4)]) == (first,)
    assert book.find(first).target == target(0.1)


def test_an_id_goes_to_the_known_thing_that_is_nearest(book):
    near, far = book.remember([thing(0.0), thing(0.03)])
    assert book.remember([thing(0.001)]) == (near,)
    assert book.remember([thing(0.029)]) == (far,)
    assert book.remember([thing(0.001), thing(0.029)]) == (near, far)


places = st.lists(st.floats(0, 0.5), min_size=1, max_size=10)


@given(st.lists(places, min_size=1, max_size=6))
def test_one_answer_gives_an_id_twice_on_one_thing_alone_and_all_its_ids_are_known(answers):
    book = TargetBook(SAME_M, 4)
    for answer in answers:
        target_ids = book.remember(thing(x_m) for x_m in answer)
        assert len(target_ids) == len(answer)
        for target_id, x_m in zip(target_ids, answer, strict=True):
            assert abs(book.find(target_id).target.position_m[0] - x_m) <= ONE_THING_M


@given(places)
def test_the_same_answer_again_gives_the_same_ids(answer):
    book = TargetBook(SAME_M, 64)
    apart = [x_m for n, x_m in enumerate(answer) if all(abs(x_m - other) > SAME_M for other in answer[:n])]
    assert book.remember(thing(x_m) for x_m in apart) == book.remember(thing(x_m) for x_m in apart)


def test_the_oldest_are_forgotten_and_ids_are_never_given_again():
    book, given_out = TargetBook(SAME_M, 3), []
    for n in range(6):
        given_out += book.remember([thing(float(n))])
    assert len(set(given_out)) == 6
    for target_id in given_out[:3]:
        with pytest.raises(UnknownTargetError, match="known: t4, t5, t6"):
            book.find(target_id)
    assert book.find("t6").target == target(5.0)


def test_an_unknown_id_is_cut_short_in_the_message(book):
    with pytest.raises(UnknownTargetError, match="none yet: find something first") as raised:
        book.find("t" * 1000)
    assert len(str(raised.value)) < 200


def test_many_threads_share_one_book(book):
    found = []
    calls = [threading.Thread(target=lambda: found.extend(book.remember([thing(0.1)]))) for _ in range(8)]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert found == ["t1"] * 8


def test_distance_is_between_the_middles():
    assert distance_m(target(0.1), target(0.4)) == pytest.approx(0.3)


@given(st.lists(st.tuples(st.integers(0, 80), st.floats(0, 0.01)), min_size=1, max_size=6), st.data())
def test_boxes_on_one_thing_have_its_id_in_any_order(boxes, data):
    """A model may list several boxes on one thing, which come to one place in metres."""
    book = TargetBook(SAME_M, 64)
    for _ in range(3):
        order = data.draw(st.permutations(boxes))
        assert set(book.remember(thing(0.4 + off_m, x=left / 100) for left, off_m in order)) == {"t1"}
