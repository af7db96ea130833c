"""The plane below things: at any height, tilted, under clutter, never the wall."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.errors import NoDepthError
from kosmos_agent.robot.plane import fit_support_plane


def sheet(rng, normal, offset_m, count, half_m=0.5, sigma_m=0.001):
    """(count, 3) points about the plane normal . p = offset."""
    xy = rng.uniform(-half_m, half_m, size=(count, 2))
    z = (offset_m - xy @ normal[:2]) / normal[2] + rng.normal(size=count) * sigma_m
    return np.column_stack([xy, z])


def tilted(degrees, azimuth):
    tilt = np.deg2rad(degrees)
    return np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])


@given(st.integers(0, 2**31), st.floats(-1, 1), st.floats(0, 8), st.floats(0, 6.28))
@settings(max_examples=40, deadline=None)
def test_the_plane_is_found_under_clutter(seed, offset_m, tilt_deg, azimuth):
    rng = np.random.default_rng(seed)
    normal = tilted(tilt_deg, azimuth)
    table = sheet(rng, normal, offset_m, 1200)
    clutter = table[:800] + normal * rng.uniform(0.02, 0.2, size=(800, 1))
    plane = fit_support_plane(np.concatenate([table, clutter]))
    assert np.rad2deg(np.arccos(np.dot(plane.normal, normal))) < 0.3
    assert plane.heights_m(np.array([0.0, 0.0, offset_m / normal[2]])) == pytest.approx(0, abs=0.001)
    assert plane.sigma_m == pytest.approx(0.001, rel=0.3)
    assert 0.5 < plane.inlier_share < 0.68


def test_a_larger_wall_is_not_the_support():
    rng = np.random.default_rng(0)
    wall = sheet(rng, np.array([0.0, 0.0, 1.0]), 0.0, 3000)[:, [2, 0, 1]]
    plane = fit_support_plane(np.concatenate([wall, sheet(rng, np.array([0.0, 0.0, 1.0]), 0.3, 600)]))
    assert plane.normal[2] > 0.999
    assert plane.offset_m == pytest.approx(0.3, abs=0.002)


def test_weights_choose_between_floor_and_table():
    rng = np.random.default_rng(0)
    up = np.array([0.0, 0.0, 1.0])
    points = np.concatenate([sheet(rng, up, 0.0, 900), sheet(rng, up, 0.7, 300)])
    near_the_box = np.repeat([0.1, 1.0], [900, 300])
    assert fit_support_plane(points).offset_m == pytest.approx(0.0, abs=0.002)
    assert fit_support_plane(points, near_the_box).offset_m == pytest.approx(0.7, abs=0.002)


def test_the_same_seed_gives_the_same_plane():
    points = sheet(np.random.default_rng(0), np.array([0.0, 0.0, 1.0]), 0.1, 500)
    assert fit_support_plane(points, seed=3) == fit_support_plane(points, seed=3)


def test_height_at_a_place_lies_on_the_plane():
    plane = fit_support_plane(sheet(np.random.default_rng(0), tilted(6, 1.0), 0.2, 500))
    xy = np.array([0.3, -0.2])
    assert plane.heights_m(np.array([*xy, plane.z_at(xy)])) == pytest.approx(0, abs=1e-12)


def test_too_few_points_and_no_level_plane_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(NoDepthError, match="5 depth points"):
        fit_support_plane(np.zeros((5, 3)))
    wall = sheet(rng, np.array([0.0, 0.0, 1.0]), 0.0, 3000)[:, [2, 0, 1]]
    with pytest.raises(NoDepthError, match="z of the base frame must point up"):
        fit_support_plane(wall)
