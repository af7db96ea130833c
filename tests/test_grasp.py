import math

import numpy as np
import pytest
from kosmos_sim.arm import MAX_OPENING_M, PALM_CLEARANCE_M, TIP_LENGTH_M
from kosmos_sim.clearance import least_blocked, points_in_the_way, without_target
from kosmos_sim.grasp import GRASPABLE, category_word, grasps
from kosmos_sim.objects import CATEGORIES

from kosmos_agent.errors import PlanningError
from kosmos_agent.results import Box, Target3D


def target(phrase="the thing", extent=(0.06, 0.06), height=0.08, yaw=0.0, support=0.0, at=(0.5, 0.0)):
    return Target3D(
        phrase=phrase,
        frame_id="base",
        stamp_ns=0,
        position_m=(*at, support + height / 2),
        size_m=(extent[0], extent[1], height),
        yaw_rad=yaw,
        extent_m=extent,
        covariance_m2=(0.0,) * 9,
        support_height_m=support,
        points=100,
        box=Box(x1=0.4, y1=0.4, x2=0.6, y2=0.6),
        probability=0.9,
    )


@pytest.mark.parametrize("yaw", [-1.2, 0.0, 0.4, 1.5])
def test_long_things_are_closed_across_their_short_side(yaw):
    for grasp in grasps(target("the banana", (0.15, 0.04), 0.03, yaw)):
        assert math.cos(2 * (grasp.yaw_rad - yaw)) == pytest.approx(1.0)
        assert 0.04 < grasp.opening_m < 0.08


def test_long_things_may_be_held_beside_their_middle():
    points = np.array([grasp.position_m[:2] for grasp in grasps(target("the spoon", (0.16, 0.04), 0.02, 0.5))])
    assert np.allclose(points[0], (0.5, 0.0))
    offsets = points - (0.5, 0.0)
    assert np.ptp(offsets @ (math.cos(0.5), math.sin(0.5))) > 0.03
    assert np.allclose(offsets @ (-math.sin(0.5), math.cos(0.5)), 0.0)


@pytest.mark.parametrize("word", GRASPABLE)
@pytest.mark.parametrize("height", [0.008, 0.05, 0.21])
@pytest.mark.parametrize("support", [0.0, 0.06])
def test_neither_the_tips_hit_the_support_nor_the_palm_the_top(word, height, support):
    for grasp in grasps(target(f"the {word}", (0.07, 0.06), height, support=support)):
        assert grasp.position_m[2] - TIP_LENGTH_M > support
        assert grasp.position_m[2] + PALM_CLEARANCE_M > support + height
        assert 0 < grasp.opening_m <= MAX_OPENING_M


def test_bowls_are_taken_by_the_rim_all_around():
    found = grasps(target("the bowl", (0.13, 0.13), 0.045))
    offsets = np.array([grasp.position_m[:2] for grasp in found]) - (0.5, 0.0)
    radii = np.linalg.norm(offsets, axis=1)
    assert (radii < 0.065).all()
    assert (radii > 0.05).all()
    for grasp, offset in zip(found, offsets, strict=True):
        stroke = np.array([math.sin(grasp.yaw_rad), -math.cos(grasp.yaw_rad)])
        assert abs(stroke @ offset) == pytest.approx(np.linalg.norm(offset))


def test_too_wide_is_said_before_anything_moves():
    with pytest.raises(PlanningError, match=r"120 mm across.*up to 74 mm"):
        grasps(target("the thing", (0.18, 0.12), 0.02))


@pytest.mark.parametrize("word", sorted(set(CATEGORIES) - set(GRASPABLE)))
def test_what_cannot_be_held_is_refused_by_its_own_name_not_by_its_neighbours(word):
    with pytest.raises(PlanningError, match=rf"a {word} cannot be grasped; valid: cup, .*candle"):
        grasps(target(f"the red {word} left of the cup", (0.05, 0.05), 0.03))


def test_category_word_is_the_head_of_the_phrase():
    assert category_word("the red cup left of the blue box") == "cup"
    assert category_word("the blue plate behind the cup") == "plate"
    assert category_word("the thing") is None


def test_graspable_words_are_categories_and_flat_wide_things_are_not_among_them():
    assert set(GRASPABLE) < set(CATEGORIES)
    assert not {"plate", "book", "pot", "teapot"} & set(GRASPABLE)


def test_the_target_is_not_in_its_own_way_and_neighbours_are():
    cup = target("the cup")
    own = np.array([[0.5, 0.0, 0.05], [0.53, 0.0, 0.08]])
    neighbour = np.array([[0.5, 0.045, 0.06]] * 10)
    points = without_target(np.vstack([own, neighbour]), cup)
    assert len(points) == 10
    blocked = {round(grasp.yaw_rad, 3): points_in_the_way(grasp, points) for grasp in grasps(cup)}
    assert blocked[0.0] == 10  # closes along y, where the neighbour stands
    assert blocked[round(math.pi / 2, 3)] == 0
    best = least_blocked(grasps(cup), cup, np.vstack([own, neighbour]))[0]
    assert points_in_the_way(best, points) == 0


def test_a_tall_neighbour_under_the_palm_counts():
    cup = target("the cup", height=0.06)
    grasp = grasps(cup)[0]
    tall = np.array([[0.5, 0.07, 0.15]])
    low = np.array([[0.5, 0.07, 0.05]])
    assert points_in_the_way(grasp, tall) == 1
    assert points_in_the_way(grasp, low) == 0
