"""Where to put a thing: the side that was asked for, as the camera sees it, and only where room is seen."""

import numpy as np
import pytest
import raycast_scenes as scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.errors import PlanningError
from kosmos_agent.robot.locate import locate
from kosmos_agent.skills.camera import DepthShot
from kosmos_agent.skills.room import SIDES, place_goal, place_volume, thing_volume

BESIDE_M = 0.03
POT = scenes.can(0.0, 0.0, 0.05, 0.07)
AZIMUTHS = st.floats(-3.1, 3.1)


def shot_of(azimuth_rad, *solids):
    """Depth of the solids, and the first of them as a target."""
    picture = scenes.render(solids, scenes.camera_pose(azimuth_rad, 0.75, 1.0))
    depth = DepthShot(picture.depth_m, picture.camera, picture.T_base_camera)
    answer = scenes.answer(picture.box(0))
    return depth, locate(answer, depth.depth_m, depth.camera, depth.T_base_camera, frame_id="base")


def held():
    return shot_of(0.0, scenes.can(0.0, 0.0, 0.03, 0.09))[1]


def in_picture(depth, point_m):
    """(right, away) of a point on the ground as the camera sees it, metres."""
    return (np.linalg.inv(depth.T_base_camera) @ [*point_m, 1])[[0, 2]]


def offset(goal, anchor):
    return np.subtract(goal.position_m[:2], anchor.position_m[:2])


@settings(max_examples=15)
@given(AZIMUTHS, st.sampled_from(SIDES))
def test_a_side_is_as_the_camera_sees_it(azimuth_rad, side):
    depth, anchor = shot_of(azimuth_rad, POT)
    goal = place_goal(held(), anchor, side, depth, BESIDE_M)
    at, there = in_picture(depth, anchor.position_m), in_picture(depth, goal.position_m)
    right, away = there - at
    ground = anchor.support_height_m
    assert goal.position_m[2] == pytest.approx(ground)
    assert {"left of": right < 0, "right of": right > 0, "in front of": away < 0, "behind": away > 0}.get(side, True)
    lengthways = side in ("in front of", "behind")
    assert side == "next to" or (abs(right) < abs(away)) == lengthways


@settings(max_examples=10)
@given(AZIMUTHS, st.sampled_from(SIDES))
def test_beside_is_clear_of_the_thing_and_near_it(azimuth_rad, side):
    depth, anchor = shot_of(azimuth_rad, POT)
    thing = held()
    away_m = np.hypot(*offset(place_goal(thing, anchor, side, depth, BESIDE_M), anchor))
    touching_m = (max(thing.extent_m) + max(anchor.extent_m)) / 2
    assert touching_m + BESIDE_M - 1e-9 <= away_m < touching_m + 4 * BESIDE_M


def test_on_and_in_are_over_the_middle():
    depth, anchor = shot_of(0.3, POT)
    for relation in ("on", "in"):
        goal = place_goal(held(), anchor, relation, depth, BESIDE_M)
        assert np.hypot(*offset(goal, anchor)) == pytest.approx(0)
        assert goal.position_m[2] == pytest.approx(0.07, abs=0.01)


def test_where_something_stands_another_place_is_taken_or_the_lack_of_room_is_told():
    # Seen along -x: left of the pot is -y.
    thing = held()
    free, anchor = shot_of(0.0, POT)
    nearest = place_goal(thing, anchor, "left of", free, BESIDE_M)
    x, y, _ = nearest.position_m
    depth, anchor = shot_of(0.0, POT, scenes.can(x, y, 0.01, 0.06))
    moved = place_goal(thing, anchor, "left of", depth, BESIDE_M)
    assert np.hypot(*np.subtract(moved.position_m[:2], (x, y))) > 0.01 + max(thing.extent_m) / 2 - 0.01
    wall = scenes.block(0.0, y * 2, (0.6, abs(y) * 2.2, 0.05))
    crowded, anchor = shot_of(0.0, POT, wall)
    with pytest.raises(PlanningError, match="no free room left of 'the thing'"):
        place_goal(thing, anchor, "left of", crowded, BESIDE_M)
    beside = place_goal(thing, anchor, "next to", crowded, BESIDE_M).position_m
    clear_m = abs(y) * 2.2 / 2 + max(thing.extent_m) / 2
    assert abs(beside[0]) > 0.3 or abs(beside[1] - 2 * y) > clear_m - 0.01


def test_beyond_the_edge_of_the_table_there_is_no_ground():
    picture = scenes.render(
        [POT], scenes.camera_pose(0.0, 0.75, 1.0), grounds=(scenes.Plane(half_m=0.09), scenes.Plane(offset_m=-0.7))
    )
    depth = DepthShot(picture.depth_m, picture.camera, picture.T_base_camera)
    _, anchor = shot_of(0.0, POT)
    for side in SIDES:
        with pytest.raises(PlanningError, match="no free room"):
            place_goal(held(), anchor, side, depth, BESIDE_M)


def test_a_picture_that_sees_nothing_shows_no_room():
    depth, anchor = shot_of(0.0, POT)
    blind = DepthShot(np.zeros_like(depth.depth_m), depth.camera, depth.T_base_camera)
    with pytest.raises(PlanningError):
        place_goal(held(), anchor, "next to", blind, BESIDE_M)


def test_volumes_lie_within_the_thing_and_where_it_will_be():
    depth, anchor = shot_of(0.5, POT)
    inner = thing_volume(anchor)
    assert inner.radius_m < 0.05
    assert 0 < inner.bottom_m < inner.top_m < 0.075
    thing = held()
    for relation in ("on", "behind"):
        goal = place_goal(thing, anchor, relation, depth, BESIDE_M)
        there = place_volume(goal, thing, anchor)
        assert there.middle_m == pytest.approx(goal.position_m[:2])
        assert there.bottom_m < goal.position_m[2] + thing.size_m[2]
        assert there.top_m <= goal.position_m[2] + thing.size_m[2]
        assert there.bottom_m < there.top_m
