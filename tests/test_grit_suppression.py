"""Suppression across phrases, and the line of confidence."""

from grit_parts import box
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.grit.detection import Detection
from kosmos_agent.grit.suppression import suppress, sure

EDGES = st.integers(0, 9).map(lambda tenth: tenth / 10)
BOXES = st.tuples(EDGES, EDGES, EDGES, EDGES).map(
    lambda e: box(min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]) + 0.1, max(e[1], e[3]) + 0.1)
)
DETECTIONS = st.lists(
    st.builds(Detection, st.integers(0, 4), BOXES, st.integers(0, 10).map(lambda t: t / 10)), max_size=8
)


def test_the_surer_of_two_phrases_takes_the_place():
    dog = Detection(0, box(0.1, 0.1, 0.5, 0.5), 0.7)
    animal = Detection(1, box(0.1, 0.1, 0.5, 0.52), 0.9)
    far = Detection(0, box(0.6, 0.6, 0.9, 0.9), 0.2)
    assert suppress([dog, animal, far], 0.5) == [animal, far]


def test_of_equals_the_first_stays():
    first, second = (Detection(phrase, box(0, 0, 0.5, 0.5), 0.8) for phrase in (1, 0))
    assert suppress([first, second], 0.5) == [first]


@given(DETECTIONS, st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_kept_boxes_do_not_overlap_and_each_dropped_one_had_a_surer_rival(detections, max_iou):
    kept = suppress(detections, max_iou)
    pairs = [(a, b) for place, a in enumerate(kept) for b in kept[place + 1 :]]
    assert all(a.box.iou(b.box) <= max_iou for a, b in pairs)
    for item in detections:
        rivals = [other for other in kept if other.box.iou(item.box) > max_iou and other.score >= item.score]
        assert any(item is other for other in kept) or rivals


@given(DETECTIONS)
def test_suppressing_twice_changes_nothing(detections):
    once = suppress(detections, 0.5)
    assert suppress(once, 0.5) == once


def test_the_line_is_the_papers_greater_than():
    low, line, high = (Detection(0, box(0, 0, 1, 1), score) for score in (0.5, 0.65, 0.66))
    assert sure([low, line, high], 0.65) == [high]
