"""Outlines from above: what is round, where its axis is, and rectangles that do not flip."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.robot.footprint import footprint, rectangle
from kosmos_agent.robot.frames import rotation_z
from kosmos_agent.robot.roundness import ViewAxes

VIEW = ViewAxes(across=np.array([0.0, 1.0]), towards=np.array([1.0, 0.0]))
ANGLES = st.floats(-np.pi, np.pi)


def turned(xy, angle, shift=(0.0, 0.0)):
    return xy @ rotation_z(angle)[:2, :2].T + shift


def filled(rng, low, high, count=800):
    """Even points over a rectangle, its corners among them."""
    (x1, y1), (x2, y2) = low, high
    corners = np.array([(x1, y1), (x1, y2), (x2, y1), (x2, y2)])
    return np.concatenate([rng.uniform(low, high, size=(count, 2)), corners])


def wall_arc(rng, radius, half_angle, height, count=1500):
    """The camera's side (x up) of an upright cylinder."""
    angle = rng.uniform(-half_angle, half_angle, size=count)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), rng.uniform(0, height, size=count)


@given(st.integers(0, 2**31), ANGLES, st.floats(0.02, 0.2), st.floats(0.3, 1.0))
@settings(max_examples=50, deadline=None)
def test_a_rectangle_is_found_at_any_turn(seed, angle, length, share):
    xy = turned(filled(np.random.default_rng(seed), (0, 0), (length, share * length)), angle, (0.5, -0.3))
    shape = rectangle(xy)
    middle = turned(np.array([[length / 2, share * length / 2]]), angle, (0.5, -0.3))[0]
    np.testing.assert_allclose(shape.middle_m, middle, atol=0.02 * length)
    np.testing.assert_allclose(shape.extent_m, (length, share * length), rtol=0.06)
    if share < 0.9:
        assert np.sin(shape.yaw_rad - angle) == pytest.approx(0, abs=0.05)


@given(ANGLES)
@settings(max_examples=40, deadline=None)
def test_a_pan_keeps_its_middle_on_the_line_of_its_handle(angle):
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, size=2000)
    pan = 0.06 * np.sqrt(rng.uniform(size=(2000, 1))) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    shape = rectangle(turned(np.concatenate([pan, filled(rng, (0.05, -0.008), (0.16, 0.008))]), angle))
    np.testing.assert_allclose(turned(np.array([shape.middle_m]), -angle)[0], (0.05, 0.0), atol=0.004)
    assert np.sin(shape.yaw_rad - angle) == pytest.approx(0, abs=0.05)


@given(st.integers(0, 2**31), ANGLES)
@settings(max_examples=25, deadline=None)
def test_half_a_wall_tells_the_axis(seed, angle):
    rng = np.random.default_rng(seed)
    xy, heights = wall_arc(rng, 0.035, np.pi / 2, 0.1)
    view = ViewAxes(turned(VIEW.across[None], angle)[0], turned(VIEW.towards[None], angle)[0])
    noisy = turned(xy, angle) + rng.normal(scale=0.001, size=xy.shape)
    shape = footprint(noisy, heights, view, noise_m=0.001)
    assert shape.is_round
    np.testing.assert_allclose(shape.middle_m, (0, 0), atol=0.0015)
    assert shape.extent_m[0] == pytest.approx(0.07, abs=0.004)


def test_a_handle_gives_the_yaw_but_not_the_middle():
    rng = np.random.default_rng(0)
    xy, heights = wall_arc(rng, 0.035, np.pi / 2, 0.1)
    handle = filled(rng, (-0.004, 0.035), (0.004, 0.06), 250)
    both = np.concatenate([xy, handle]), np.concatenate([heights, rng.uniform(0.03, 0.07, len(handle))])
    shape = footprint(*both, VIEW)
    assert shape.is_round
    np.testing.assert_allclose(shape.middle_m, (0, 0), atol=0.001)
    np.testing.assert_allclose(shape.extent_m, (0.095, 0.07), atol=0.003)
    assert np.abs(np.cos(shape.yaw_rad)) < 0.05


def test_a_banana_is_not_round():
    rng = np.random.default_rng(0)
    angle = rng.uniform(-0.9, 0.9, size=1500)
    for side in (1, -1):
        radius = 0.07 + rng.uniform(-0.012, 0.012, size=1500)
        xy = side * radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        assert not footprint(xy, rng.uniform(0, 0.03, size=1500), VIEW).is_round


def test_two_sides_of_a_box_are_not_round():
    rng = np.random.default_rng(0)
    side = rng.uniform(0, 0.05, size=800)
    corner = np.concatenate([np.stack([-side, 0 * side], axis=1), np.stack([0 * side, -side], axis=1)])
    heights = rng.uniform(0, 0.08, size=1600)
    top = filled(rng, (-0.05, -0.05), (0, 0))
    xy = turned(np.concatenate([corner, top]), np.pi / 4)
    shape = footprint(xy, np.concatenate([heights, np.full(len(top), 0.08)]), VIEW)
    assert not shape.is_round
    np.testing.assert_allclose(shape.extent_m, (0.05, 0.05), atol=0.001)


def test_a_donut_is_round_by_its_outline():
    rng = np.random.default_rng(0)
    around, tube = rng.uniform(0, 2 * np.pi, size=(2, 4000))
    radius = 0.03 + 0.012 * np.cos(tube)
    xy = radius[:, None] * np.stack([np.cos(around), np.sin(around)], axis=1)
    heights = 0.012 + 0.012 * np.sin(tube)
    seen = (heights > 0.011) & (xy[:, 0] > -0.036)
    shape = footprint(xy[seen], heights[seen], VIEW)
    assert shape.is_round
    np.testing.assert_allclose(shape.middle_m, (0, 0), atol=0.002)
    assert shape.extent_m[1] == pytest.approx(0.084, abs=0.003)
