"""Box <-> pair of grid cells: the round trip stays within a cell, nothing unusable passes."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.errors import InvalidArgumentError, InvalidBoxError
from kosmos_agent.location import box_to_pair, grid_side, is_valid_pair, pair_to_box, pair_to_corners

FAST = settings(derandomize=True, max_examples=200, deadline=None)
SIDES = st.sampled_from([1, 4, 7, 31, 32])


@st.composite
def boxes(draw):
    x1, x2 = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True)))
    return x1, y1, x2, y2


@FAST
@given(boxes(), SIDES)
def test_every_box_gives_a_valid_pair_that_decodes_within_a_cell(box, side):
    pair = box_to_pair(box, side)
    assert is_valid_pair(pair, side)
    for edge, decoded in zip(box, pair_to_box(pair, side).corners, strict=True):
        assert abs(edge - decoded) <= 1 / side + 1e-9


@FAST
@given(st.integers(0, 1023), st.integers(0, 1023))
def test_valid_pairs_survive_decoding_and_encoding(first, last):
    if is_valid_pair((first, last)):
        assert box_to_pair(pair_to_box((first, last)).corners) == (first, last)
    else:
        with pytest.raises(InvalidBoxError, match="inverted"):
            pair_to_box((first, last))


@pytest.mark.parametrize(
    ("pair", "corners"),
    [
        ((44, 863), (0.390625, 0.046875, 0.984375, 0.828125)),  # centres
        ((0, 0), (0.0, 0.0, 0.03125, 0.03125)),  # the same cell: outer edges
        ((5, 101), (0.15625, 0.0, 0.1875, 0.125)),  # the same column
        ((5, 6), (0.15625, 0.0, 0.21875, 0.03125)),  # the same row
    ],
)
def test_both_cell_rules(pair, corners):
    assert pair_to_corners(pair) == corners


def test_an_edge_on_a_cell_border_ends_the_cell_before_it():
    assert box_to_pair((0.5, 0.5, 0.75, 0.75)) == (528, 759)


def test_parts_outside_the_picture_are_cut_off():
    assert box_to_pair((-0.4, -3.0, 1.2, 1.0)) == box_to_pair((0.0, 0.0, 1.0, 1.0)) == (0, 1023)


@pytest.mark.parametrize(
    "box",
    [
        (math.nan, 0.0, 1.0, 1.0),
        (0.0, 0.0, math.inf, 1.0),
        (0.5, 0.0, 0.5, 1.0),  # empty
        (0.6, 0.0, 0.4, 1.0),  # inverted
        (1.1, 0.0, 1.5, 1.0),  # outside
        (-1.0, 0.0, 0.0, 1.0),
        (0.0, 0.0, 1.0),
    ],
)
def test_unusable_boxes_are_refused(box):
    with pytest.raises(InvalidBoxError):
        box_to_pair(box)


@pytest.mark.parametrize("pair", [(0, 1024), (-1, 5)])
def test_indices_off_the_grid_are_refused(pair):
    assert not is_valid_pair(pair)
    with pytest.raises(InvalidBoxError, match="0 to 1023"):
        pair_to_box(pair)


def test_grid_side_wants_a_square():
    assert grid_side(1024) == 32
    with pytest.raises(InvalidArgumentError, match="square"):
        grid_side(1000)
