"""Rigid transforms: T_a_b takes points of b to a."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.errors import CameraModelError
from kosmos_agent.robot import frames

ANGLES = st.floats(-10, 10)


@st.composite
def transforms(draw):
    tilt = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    rotation = frames.rotation_z(draw(ANGLES)) @ tilt @ frames.rotation_z(draw(ANGLES))
    return frames.transform(rotation, [draw(st.floats(-3, 3)) for _ in range(3)])


@given(transforms(), transforms())
def test_inverse_undoes_and_apply_composes(T_a_b, T_b_c):
    points = np.array([[0.1, -0.2, 0.3], [1.0, 2.0, -3.0]])
    np.testing.assert_allclose(frames.apply(frames.inverse(T_a_b), frames.apply(T_a_b, points)), points, atol=1e-12)
    there = frames.apply(T_a_b, frames.apply(T_b_c, points))
    np.testing.assert_allclose(frames.apply(T_a_b @ T_b_c, points), there, atol=1e-12)


@given(transforms())
def test_what_is_rigid_passes_even_in_single_precision(T):
    checked = frames.checked_transform(T.astype(np.float32))
    assert checked.dtype == np.float64


@pytest.mark.parametrize(
    ("T", "message"),
    [
        (np.eye(3), "shape"),
        (np.full((4, 4), np.nan), "finite"),
        (np.diag([1.0, 1, 1, 2]), "last row"),
        (np.diag([2.0, 1, 1, 1]), "orthonormal"),
        (np.diag([-1.0, 1, 1, 1]), "mirrors"),
    ],
)
def test_what_is_not_rigid_is_named(T, message):
    with pytest.raises(CameraModelError, match=message) as caught:
        frames.checked_transform(T, "T_base_camera")
    assert "T_base_camera" in str(caught.value)


def test_looking_at_puts_the_target_on_the_axis_upright():
    T_base_camera = frames.looking_at((1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
    frames.checked_transform(T_base_camera)
    at, above = frames.apply(frames.inverse(T_base_camera), [[0, 0, 0], [0, 0, 0.1]])
    np.testing.assert_allclose(at, [0, 0, np.sqrt(14)], atol=1e-12)
    assert above[0] == pytest.approx(0)
    assert above[1] < 0


def test_looking_along_up_is_refused():
    with pytest.raises(CameraModelError, match="another `up`"):
        frames.looking_at((0, 0, 1), (0, 0, 0))


@given(st.floats(-100, 100))
def test_an_axis_has_one_name(angle):
    wrapped = frames.wrapped_axis_rad(angle)
    assert -np.pi / 2 < wrapped <= np.pi / 2
    assert np.sin(2 * (wrapped - angle)) == pytest.approx(0, abs=1e-9)
