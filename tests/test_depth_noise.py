"""The depth camera's errors follow the laws stated for it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kosmos_sim.depth_noise import DepthSensor, facing

from kosmos_agent.errors import InvalidArgumentError

K = np.array([[200.0, 0, 80], [0, 200.0, 60], [0, 0, 1]])
WHOLE = DepthSensor(step_m=0.0, bias_m=0.0, edge_loss=0.0, pixel_loss=0.0, speckle_loss=0.0)


def wall(distance_m):
    return np.full((120, 160), distance_m, np.float32)


def measure(sensor, depth, seed=0):
    return sensor.measure(depth, K, np.random.default_rng(seed))


@pytest.mark.parametrize("distance_m", [0.4, 0.8, 1.6])
def test_error_grows_with_the_square_of_the_distance(distance_m):
    error = measure(WHOLE, wall(distance_m)) - distance_m
    assert error.std() == pytest.approx(WHOLE.sigma_m * distance_m**2, rel=0.05)
    assert abs(error.mean()) < 4 * WHOLE.sigma_m * distance_m**2 / np.sqrt(error.size)


def test_steps_grow_with_the_square_of_the_distance():
    sensor = DepthSensor(sigma_m=0.001, step_m=0.001, bias_m=0, edge_loss=0, pixel_loss=0, speckle_loss=0)
    for distance_m in (0.5, 1.0, 2.0):
        levels = np.unique(measure(sensor, wall(distance_m)))
        assert np.median(np.diff(levels)) == pytest.approx(0.001 * distance_m**2, rel=0.05)


def test_the_same_seed_gives_the_same_picture():
    sensor = DepthSensor()
    assert np.array_equal(measure(sensor, wall(0.7), 3), measure(sensor, wall(0.7), 3))
    assert not np.array_equal(measure(sensor, wall(0.7), 3), measure(sensor, wall(0.7), 4))


def test_input_is_left_alone_and_output_is_float32_metres():
    depth = wall(0.7)
    measured = measure(DepthSensor(), depth)
    assert (depth == np.float32(0.7)).all()
    assert measured.dtype == np.float32
    assert measured.shape == depth.shape


def test_share_of_lost_pixels_is_the_stated_one():
    sensor = DepthSensor(pixel_loss=0.05, speckle_loss=0.1, edge_loss=0)
    assert (measure(sensor, wall(0.7)) == 0).mean() == pytest.approx(0.05 + 0.1 - 0.005, abs=0.01)


def test_speckle_comes_in_patches():
    lost = measure(DepthSensor(pixel_loss=0, speckle_loss=0.05, edge_loss=0), wall(0.7)) == 0
    beside = lost[:, :-1] & lost[:, 1:]
    assert beside.sum() > 0.3 * lost.sum()  # independent pixels: 0.05


def test_nothing_out_of_range():
    depth = wall(0.7)
    depth[:20], depth[20:40] = 0.1, 5.0
    lost = measure(WHOLE, depth) == 0
    assert lost[:40].all()
    assert not lost[42:].any()


def test_jumps_lose_pixels_on_both_sides_and_nowhere_else():
    depth = wall(0.7)
    depth[:, 80:] = 0.5
    lost = measure(DepthSensor(pixel_loss=0, speckle_loss=0, edge_loss=1.0, grazing_deg=0), depth) == 0
    assert lost[:, 79:81].all()
    assert not lost[:, :78].any()
    assert not lost[:, 82:].any()


def test_grazing_surfaces_give_nothing():
    """A floor 0.3 m below a level camera: its far rows are seen ever flatter."""
    rows = np.arange(120) + 0.5 - K[1, 2]
    depth = np.where(rows > 0, 0.3 * K[1, 1] / np.maximum(rows, 1e-6), 10.0)
    depth = np.broadcast_to(depth[:, None], (120, 160)).astype(np.float32)
    down = 70
    angle_deg = np.rad2deg(np.arctan(rows[down] / K[1, 1]))
    assert np.rad2deg(np.arcsin(facing(depth.astype(float), K)[down, 80])) == pytest.approx(angle_deg, rel=0.1)
    sensor = DepthSensor(
        sigma_m=0, step_m=0, bias_m=0, edge_loss=0, pixel_loss=0, speckle_loss=0, range_m=(0.2, 9), grazing_deg=8
    )
    lost = measure(sensor, depth)[:, 80] == 0
    limit = 60 + K[1, 1] * np.tan(np.deg2rad(8))
    assert lost[60 : int(limit) - 3].all()
    assert not lost[int(limit) + 4 :].any()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 2.5), st.floats(0.0005, 0.004))
def test_bias_has_the_stated_size_and_is_smooth(seed, distance_m, bias_m):
    sensor = replace(WHOLE, sigma_m=0.0, bias_m=bias_m)
    error = (measure(sensor, wall(distance_m), seed).astype(float) - np.float32(distance_m)) / distance_m**2
    assert np.sqrt(np.mean(error**2)) == pytest.approx(bias_m, rel=0.01)
    step = max(np.abs(np.diff(error, axis=axis)).max() for axis in (0, 1))
    assert step < 0.35 * bias_m
    blocks = error.reshape(12, 10, 16, 10).mean(axis=(1, 3))  # independent errors would all but vanish
    assert np.sqrt(np.mean(blocks**2)) > 0.9 * bias_m


def test_without_bias_and_noise_depth_is_exact_and_by_default_it_is_biased_by_a_millimetre():
    assert np.array_equal(measure(replace(WHOLE, sigma_m=0.0), wall(0.7)), wall(0.7))
    sensor = replace(WHOLE, sigma_m=0.0, bias_m=DepthSensor().bias_m)
    assert np.std(measure(sensor, wall(0.7)) - 0.7) < 0.0011
    assert np.sqrt(np.mean((measure(sensor, wall(0.7)) - 0.7) ** 2)) == pytest.approx(0.001, rel=0.05)


@pytest.mark.parametrize(
    "bad", [{"pixel_loss": 1.5}, {"sigma_m": -1.0}, {"bias_m": -1.0}, {"bias_cells": 1}, {"range_m": (2.0, 1.0)}]
)
def test_nonsense_is_refused(bad):
    with pytest.raises(InvalidArgumentError):
        DepthSensor(**bad)
