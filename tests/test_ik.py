import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kosmos_sim.arm import JOINT_RANGES_RAD, READY_Q, add_arm
from kosmos_sim.ik import ArmKinematics, top_down


def _kinematics():
    spec = mujoco.MjSpec()
    add_arm(spec)
    return ArmKinematics(spec.compile())


KINEMATICS = _kinematics()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.floats(0.32, 0.68), st.floats(-0.3, 0.3), st.floats(0.012, 0.36), st.floats(-np.pi / 2, np.pi / 2))
def test_reaches_the_table_palm_down(x, y, z, yaw):
    wanted = np.array([x, y, z])
    turn = yaw + np.arctan2(y, x)
    result = KINEMATICS.solve(wanted, top_down(turn), READY_Q)
    assert result.within()
    position, rotation = KINEMATICS.forward(result.q)
    assert np.linalg.norm(position - wanted) < 1e-3
    assert np.abs(rotation - top_down(turn)).max() < 1e-2
    assert (result.q >= JOINT_RANGES_RAD[:, 0]).all()
    assert (result.q <= JOINT_RANGES_RAD[:, 1]).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.floats(-0.5, 0.5), min_size=7, max_size=7))
def test_round_trip_of_any_nearby_pose(offsets):
    q = np.clip(READY_Q + offsets, JOINT_RANGES_RAD[:, 0] + 0.02, JOINT_RANGES_RAD[:, 1] - 0.02)
    position, rotation = KINEMATICS.forward(q)
    assert KINEMATICS.solve(position, rotation, READY_Q).within()


@pytest.mark.parametrize("point", [(1.2, 0.0, 0.1), (0.0, 0.0, -0.5), (0.5, 0.9, 0.2)])
def test_says_when_it_cannot_reach(point):
    result = KINEMATICS.solve(np.array(point), top_down(0.0), READY_Q)
    assert not result.within()
    assert result.position_error_m > 0.01 or result.angle_error_rad > 0.05


def test_top_down_closes_across_its_yaw():
    rotation = top_down(0.3)
    assert np.allclose(rotation[:, 0], (np.cos(0.3), np.sin(0.3), 0))
    assert np.allclose(rotation[:, 2], (0, 0, -1))
    assert np.linalg.det(rotation) == pytest.approx(1.0)
