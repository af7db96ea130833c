"""Ids of things: the same thing keeps its id from answer to answer."""

from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.results import Box, Target3D
from kosmos_agent.skills.targets import Remembered, TargetBook


def seen(x_m, left):
    box = Box(x1=left, y1=0.4, x2=left + 0.1, y2=0.6)
    target = Target3D(
        phrase="the can",
        frame_id="base",
        stamp_ns=1,
        position_m=(x_m, 0.0, 0.05),
        size_m=(0.1, 0.1, 0.1),
        yaw_rad=0.0,
        extent_m=(0.1, 0.1),
        covariance_m2=(0.0,) * 9,
        support_height_m=0.0,
        points=100,
        box=box,
        probability=0.9,
    )
    return Remembered("the can", box, target)


@given(st.lists(st.floats(0.0, 0.8), min_size=1, max_size=6, unique=True), st.data())
def test_several_boxes_on_one_thing_keep_their_ids_in_any_order(lefts, data):
    """A model may list two boxes on one thing, which come to one place in metres."""
    lefts = [round(left, 2) for left in lefts]
    lefts = list(dict.fromkeys(lefts))
    book = TargetBook(same_thing_m=0.04, max_targets=64)
    first = dict(zip(lefts, book.remember(seen(0.4, left) for left in lefts), strict=True))
    assert len(set(first.values())) == len(lefts)
    for _ in range(3):
        order = data.draw(st.permutations(lefts))
        assert [first[left] for left in order] == list(book.remember(seen(0.4, left) for left in order))


def test_things_apart_are_told_apart_by_metres_whatever_their_boxes():
    book = TargetBook(same_thing_m=0.04, max_targets=64)
    near, far = book.remember([seen(0.4, 0.1), seen(0.5, 0.1)])
    assert near != far
    assert book.remember([seen(0.49, 0.1)]) == (far,)
    assert book.remember([seen(0.6, 0.1)]) not in ((near,), (far,))
