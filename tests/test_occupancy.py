"""Rays against solids of known shape: what is taken, what is free, what cannot be seen."""

import numpy as np
import pytest
import raycast_scenes as scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.occupancy import FREE, HIDDEN, TAKEN, Cylinder, cleared, filled, is_free, occupancy

POSE = scenes.camera_pose(0.4, 0.7, 0.9)
CAMERA = Camera.from_field_of_view(320, 240, np.deg2rad(45))
RADIUS_M, HEIGHT_M = 0.035, 0.10
INNER = Cylinder((0.0, 0.0), 0.8 * RADIUS_M, 0.25 * HEIGHT_M, 0.95 * HEIGHT_M)
states = st.lists(st.sampled_from([HIDDEN, FREE, TAKEN]), min_size=1, max_size=60).map(
    lambda values: np.array(values, dtype=np.int8)
)


def depth_of(*solids):
    return scenes.render(solids, POSE, CAMERA).depth_m


def seen(*solids, cylinder=INNER):
    return occupancy(cylinder, depth_of(*solids), CAMERA, POSE)


CAN = scenes.can(0.0, 0.0, RADIUS_M, HEIGHT_M)


def test_a_place_with_a_thing_in_it_is_taken_and_without_it_free():
    assert not is_free(seen(CAN))
    assert (seen(CAN) == TAKEN).mean() > 0.9
    assert is_free(seen())
    assert (seen() == FREE).all()


@settings(max_examples=15)
@given(st.floats(0.02, 0.05), st.floats(0.05, 0.16), st.floats(-0.15, 0.15), st.floats(-0.15, 0.15))
def test_what_was_there_and_is_gone_is_cleared_and_the_other_way_round_filled(radius_m, height_m, x, y):
    thing = scenes.can(x, y, radius_m, height_m)
    inner = Cylinder((x, y), 0.8 * radius_m, 0.25 * height_m, 0.95 * height_m)
    with_it, without = seen(thing, cylinder=inner), seen(cylinder=inner)
    assert cleared(with_it, without) == "yes"
    assert cleared(with_it, with_it) == "no"
    assert filled(without, with_it) == "yes"
    assert filled(without, without) == "no"


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_noise_and_holes_of_a_depth_camera_do_not_turn_the_answer(seed):
    rng = np.random.default_rng(seed)
    with_it, without = (
        occupancy(INNER, scenes.noisy(depth_of(*solids), rng, holes=0.2), CAMERA, POSE) for solids in ((CAN,), ())
    )
    assert cleared(with_it, without) == "yes"
    assert filled(without, with_it) == "yes"
    assert cleared(with_it, with_it) == filled(without, without) == "no"


def test_what_stands_before_it_hides_it_and_nothing_is_said():
    towards = POSE[:2, 3] / np.linalg.norm(POSE[:2, 3])
    wall = scenes.block(*(0.25 * towards), (0.03, 0.6, 0.5), yaw=float(np.arctan2(towards[1], towards[0])))
    hidden = seen(wall)
    assert (hidden == HIDDEN).mean() > 0.65
    assert not is_free(hidden)
    assert cleared(seen(CAN), hidden) == "cannot_tell"
    assert filled(seen(), hidden) == "cannot_tell"


@pytest.mark.parametrize("nothing", [0.0, np.nan, np.inf])
def test_a_ray_without_a_reading_says_nothing(nothing):
    blind = np.full((CAMERA.height, CAMERA.width), nothing, np.float32)
    assert (occupancy(INNER, blind, CAMERA, POSE) == HIDDEN).all()
    assert not is_free(occupancy(INNER, blind, CAMERA, POSE))


def test_what_lies_outside_the_picture_or_behind_the_camera_is_hidden():
    for middle in ((5.0, 5.0), tuple(2 * POSE[:2, 3])):
        assert (seen(CAN, cylinder=Cylinder(middle, 0.03, 0.01, 0.1)) == HIDDEN).all()


@given(states)
def test_the_same_view_twice_never_shows_a_change(before):
    assert cleared(before, before) in ("no", "cannot_tell")
    assert filled(before, before) in ("no", "cannot_tell")


@given(states, st.data())
def test_only_points_that_are_seen_both_times_are_judged(before, data):
    after = np.array(data.draw(st.lists(st.sampled_from([HIDDEN, FREE, TAKEN]), min_size=len(before),
                                        max_size=len(before))), dtype=np.int8)  # fmt: skip
    other = after.copy()
    other[before == HIDDEN] = HIDDEN
    assert cleared(before, after) == cleared(before, other)
    assert filled(before, after) == filled(before, other)
    if not ((before == TAKEN) & (after != HIDDEN)).any():
        assert cleared(before, after) == "cannot_tell"


@pytest.mark.parametrize(
    ("radius_m", "bottom_m", "top_m"), [(0, 0, 1), (-1, 0, 1), (0.1, 1, 1), (0.1, 1, 0), (np.nan, 0, 1)]
)
def test_a_cylinder_without_room_is_refused(radius_m, bottom_m, top_m):
    with pytest.raises(InvalidArgumentError, match="above 0"):
        Cylinder((0, 0), radius_m, bottom_m, top_m)


@given(st.floats(0.01, 1), st.floats(-1, 1), st.floats(0.01, 1))
def test_points_lie_within_the_cylinder(radius_m, bottom_m, height_m):
    points = Cylinder((0.3, -0.2), radius_m, bottom_m, bottom_m + height_m).points_m()
    assert points.shape == (156, 3)
    assert np.hypot(points[:, 0] - 0.3, points[:, 1] + 0.2).max() <= radius_m
    assert points[:, 2].min() == pytest.approx(bottom_m)
    assert points[:, 2].max() == pytest.approx(bottom_m + height_m)
