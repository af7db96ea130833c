"""Matching boxes one to one, and F1 over sets of boxes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.evaluation.matching import HIT_IOU, Counts, match, set_counts, total
from kosmos_agent.results import Box

CELL = st.integers(0, 6)
BOXES = st.lists(
    st.builds(
        lambda x, y, w, h: Box(x1=x / 10, y1=y / 10, x2=(x + w) / 10, y2=(y + h) / 10),
        CELL,
        CELL,
        st.integers(1, 4),
        st.integers(1, 4),
    ),
    max_size=6,
)
COUNTS = st.builds(Counts, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))


@given(BOXES, BOXES)
def test_pairs_are_one_to_one_overlap_enough_and_none_is_left_over(answered, true):
    pairs = match(answered, true)
    firsts, seconds = [i for i, _ in pairs], [j for _, j in pairs]
    assert len(set(firsts)) == len(set(seconds)) == len(pairs)
    assert all(answered[i].iou(true[j]) >= HIT_IOU for i, j in pairs)
    for i in set(range(len(answered))) - set(firsts):
        assert all(answered[i].iou(true[j]) < HIT_IOU for j in set(range(len(true))) - set(seconds))


@given(BOXES)
def test_what_is_true_matches_itself(boxes):
    different = list({box.corners: box for box in boxes}.values())
    assert sorted(match(different, different)) == [(k, k) for k in range(len(different))]
    assert set_counts(different, different) == Counts(right=len(different))


@given(BOXES, BOXES)
def test_counts_account_for_every_box(answered, true):
    counts = set_counts(answered, true)
    assert counts.right + counts.spurious == len(answered)
    assert counts.right + counts.left_out == len(true)
    assert set_counts(true, answered).right == counts.right


def test_the_better_of_two_takes_the_thing():
    thing = Box(x1=0.1, y1=0.1, x2=0.5, y2=0.5)
    near, nearer = Box(x1=0.1, y1=0.1, x2=0.5, y2=0.4), Box(x1=0.1, y1=0.1, x2=0.5, y2=0.48)
    assert match([near, nearer], [thing]) == [(1, 0)]
    assert set_counts([near, nearer], [thing]) == Counts(right=1, spurious=1)


@given(st.lists(COUNTS))
def test_the_micro_average_is_the_f1_of_the_sums(items):
    whole = total(items)
    assert whole.right == sum(item.right for item in items)
    said, wanted = whole.right + whole.spurious, whole.right + whole.left_out
    if whole.right:
        precision, recall = whole.right / said, whole.right / wanted
        assert whole.f1 == pytest.approx(2 * precision * recall / (precision + recall))
    else:
        assert whole.f1 == (0.0 if said or wanted else None)
