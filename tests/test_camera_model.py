"""Pixels to rays and back, with every kind of lens."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.errors import CameraModelError
from kosmos_agent.robot.camera import Camera

PLUMB_BOB = (-0.21, 0.08, 0.001, -0.0015, -0.01)
RATIONAL = (0.35, -0.1, 0.0008, -0.0005, 0.02, 0.6, -0.05, 0.03)
LENSES = st.sampled_from([(), PLUMB_BOB[:4], PLUMB_BOB, RATIONAL])


@st.composite
def cameras(draw):
    width, height = draw(st.integers(64, 1280)), draw(st.integers(64, 960))
    focal = draw(st.floats(0.8, 2.0)) * max(width, height)
    return Camera(
        width=width,
        height=height,
        fx=focal,
        fy=focal * draw(st.floats(0.95, 1.05)),
        cx=width * draw(st.floats(0.45, 0.55)),
        cy=height * draw(st.floats(0.45, 0.55)),
        distortion=draw(LENSES),
    )


@given(cameras(), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_back_projection_inverts_projection(camera, seed):
    rng = np.random.default_rng(seed)
    px = rng.uniform((0, 0), (camera.width, camera.height), size=(50, 2))
    depth_m = rng.uniform(0.1, 5.0, size=50)
    points_m = camera.back_project(px, depth_m)
    np.testing.assert_allclose(points_m[:, 2], depth_m)
    np.testing.assert_allclose(camera.project(points_m), px, atol=1e-4)


@given(cameras(), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_a_resized_picture_shows_the_same_rays(camera, seed):
    share = np.random.default_rng(seed).uniform(size=(20, 2))
    smaller = camera.scaled_to(camera.width // 2, camera.height // 3)
    full = camera.rays(share * (camera.width, camera.height))
    np.testing.assert_allclose(smaller.rays(share * (smaller.width, smaller.height)), full, atol=1e-6)


def test_the_middle_of_the_picture_looks_straight_ahead():
    camera = Camera.from_field_of_view(640, 480, np.deg2rad(60))
    np.testing.assert_allclose(camera.rays([320.0, 240.0]), [0, 0, 1])
    top = camera.rays([320.0, 0.0])
    assert np.arctan2(-top[1], top[2]) == pytest.approx(np.deg2rad(30))


def test_right_is_x_and_down_is_y():
    camera = Camera.from_field_of_view(640, 480, np.deg2rad(60))
    x, y, z = camera.back_project([400.0, 300.0], 2.0)
    assert x > 0
    assert y > 0
    assert z == 2.0


def test_matrices_with_centres_on_integers_are_shifted():
    K = [[500, 0, 319.5], [0, 500, 239.5], [0, 0, 1]]
    camera = Camera.from_matrix(K, 640, 480, centres_on_integers=True)
    assert (camera.cx, camera.cy) == (320.0, 240.0)
    assert (Camera.from_matrix(K, 640, 480).cx) == 319.5


def test_matrix_round_trip_and_zero_distortion_is_none():
    camera = Camera(640, 480, 500, 510, 320, 240)
    assert Camera.from_matrix(camera.matrix.ravel(), 640, 480, np.zeros(5)) == camera


def test_shapes_are_kept():
    camera = Camera(64, 48, 60, 60, 32, 24, PLUMB_BOB)
    grid = np.stack(np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5), axis=-1)
    assert camera.rays(grid).shape == (48, 64, 3)
    assert camera.project(camera.rays(grid)).shape == (48, 64, 2)
    assert camera.rays(np.empty((0, 2))).shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "at least 1"),
        ({"fx": -5.0}, "above 0"),
        ({"cy": float("nan")}, "finite"),
        ({"distortion": (0.1, 0.2, 0.3)}, "plumb_bob"),
    ],
)
def test_malformed_intrinsics_are_named(change, message):
    good = {"width": 64, "height": 48, "fx": 60.0, "fy": 60.0, "cx": 32.0, "cy": 24.0}
    with pytest.raises(CameraModelError, match=message):
        Camera(**good | change)


@pytest.mark.parametrize("K", [np.eye(4), [[500, 3, 320], [0, 500, 240], [0, 0, 1]], np.diag([500, 500, 2])])
def test_malformed_matrices_are_refused(K):
    with pytest.raises(CameraModelError, match="K "):
        Camera.from_matrix(K, 640, 480)


def test_points_behind_the_camera_are_refused():
    with pytest.raises(CameraModelError, match="1 of 2 points"):
        Camera(64, 48, 60, 60, 32, 24).project([[0, 0, 1], [0, 0, -1]])


def test_a_lens_that_folds_over_is_refused_where_it_folds():
    camera = Camera(640, 480, 300, 300, 320, 240, (-0.5, 0.0, 0.0, 0.0))
    with pytest.raises(CameraModelError, match="cannot be undone at 1 of 2 pixels"):
        camera.rays([[320.0, 240.0], [1.0, 1.0]])
