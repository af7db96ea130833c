"""Windows map boxes exactly, and a second look is believed only where it agrees with the first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_kosmos import tiny_grounder

from kosmos_agent.errors import InvalidBoxError
from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.scored_pairs import ScoredPair, ScoredPairs, mean_box
from kosmos_agent.inference.windows import Window
from kosmos_agent.inference.zoom import Zoom, second_look
from kosmos_agent.location import box_to_pair
from kosmos_agent.results import Box

BOXES = st.tuples(*[st.floats(0.0, 0.9)] * 2, *[st.floats(0.01, 0.1)] * 2).map(
    lambda v: Box(x1=v[0], y1=v[1], x2=v[0] + v[2], y2=v[1] + v[3])
)
SIDES = st.integers(8, 2000)


@given(BOXES, st.floats(0.01, 1.5), SIDES, SIDES)
def test_a_box_comes_back_from_a_window_where_it_was(box, side, width, height):
    window = Window.around(box, side, width, height)
    inside = Box(x1=0.25, y1=0.25, x2=0.5, y2=0.75)
    assert window.to_window(window.to_whole(inside)).corners == pytest.approx(inside.corners, abs=1e-9)


@given(BOXES, SIDES, SIDES)
def test_a_window_holds_what_it_was_made_for(box, width, height):
    window = Zoom().window(box, width, height)
    x1, y1, x2, y2 = box.to_pixels(width, height)
    assert window.left <= x1 + 1
    assert window.top <= y1 + 1
    assert window.right >= x2 - 1
    assert window.bottom >= y2 - 1
    assert 0 <= window.left < window.right <= width


def test_a_crop_shows_the_pixels_of_its_window():
    rgb = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    window = Window(5, 2, 15, 12, 30, 20)
    assert np.array_equal(window.crop(rgb), rgb[2:12, 5:15])


@pytest.mark.parametrize("edges", [(5, 0, 5, 4), (-1, 0, 3, 4), (0, 0, 31, 4), (0, 9, 3, 4)])
def test_windows_outside_the_picture_are_refused(edges):
    with pytest.raises(InvalidBoxError):
        Window(*edges, 30, 20)


def scores(*weighted):
    return CornerScores(
        0.9, ScoredPairs.of(ScoredPair(box_to_pair(corners), weight) for corners, weight in weighted), 2.2, 0.1, 0.1
    )


def test_of_two_things_in_the_window_the_one_first_meant_is_kept():
    first = Box(x1=0.45, y1=0.45, x2=0.5, y2=0.5)
    window = Window.around(first, 0.25, 640, 480)
    meant, other = window.to_window(first).corners, (0.7, 0.1, 0.9, 0.3)
    look = second_look(first, scores((other, 0.6), (meant, 0.4)), window, 32, Zoom())
    assert look.agreement > 0.6
    assert look.box.iou(first) == pytest.approx(look.agreement)
    disagreeing = second_look(first, scores((other, 1.0)), window, 32, Zoom())
    assert (disagreeing.box, disagreeing.agreement) == (first, 0.0)


@given(st.lists(BOXES, min_size=1, max_size=5))
def test_a_mean_box_lies_between_its_boxes(boxes):
    mean = mean_box(np.array([box.corners for box in boxes]), np.ones(len(boxes)))
    for index in range(4):
        values = [box.corners[index] for box in boxes]
        assert min(values) - 1e-9 <= mean.corners[index] <= max(values) + 1e-9


def test_zoom_changes_small_boxes_only_and_states_its_cost():
    grounder = tiny_grounder(1, location_gain=3.0)
    view = grounder.view(np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8))
    plain = view.find("the red cup")
    assert "zoom" not in plain.timings_ms
    grounder.zoom = Zoom(below=plain.best.box.side)
    assert view.find("the red cup", zoom=True).candidates == plain.candidates
    grounder.zoom = Zoom(below=2.0, agree=0.0)
    zoomed = view.find("the red cup", zoom=True)
    assert zoomed.timings_ms["zoom"] >= 0
    assert zoomed.best.box != plain.best.box
    assert [c.probability for c in zoomed.candidates] == [c.probability for c in plain.candidates]


def test_the_second_look_is_evidence_too():
    grounder = tiny_grounder(1, location_gain=3.0)
    grounder.zoom = Zoom(below=2.0)
    view = grounder.view(np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8))
    (plain,), (zoomed,) = view.evidence(["the red cup"]), view.evidence(["the red cup"], zoom=True)
    assert plain.features["window_log_odds"] == plain.features["object_log_odds"]
    assert plain.features["window_iou"] == 1.0
    assert zoomed.features["window_log_odds"] != plain.features["window_log_odds"]
    assert 0.0 <= zoomed.features["window_iou"] <= 1.0
    assert zoomed.features["box_side"] == plain.features["box_side"]
