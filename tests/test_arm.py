import mujoco
import numpy as np
import pytest
from kosmos_sim.arm import HOME_Q, JOINT_RANGES_RAD, MAX_OPENING_M, READY_Q, ArmNames, add_arm, set_arm

from kosmos_agent.errors import InvalidArgumentError


@pytest.fixture
def arm():
    spec = mujoco.MjSpec()
    names = add_arm(spec)
    model = spec.compile()
    return model, mujoco.MjData(model), names


@pytest.mark.parametrize("q", [HOME_Q, READY_Q])
def test_stands_still_under_its_own_weight(arm, q):
    model, data, names = arm
    set_arm(model, data, q)
    mujoco.mj_forward(model, data)
    before = data.site(names.grip_site).xpos.copy()
    mujoco.mj_step(model, data, 500)
    assert np.linalg.norm(data.site(names.grip_site).xpos - before) < 1e-3


def test_upright_pose_follows_the_published_lengths(arm):
    model, data, _ = arm
    set_arm(model, data, np.zeros(7))
    mujoco.mj_forward(model, data)
    # Stretched up: 0.333 + 0.316 + 0.384 high at the wrist, the hand 0.088 in front and hanging down 0.107.
    assert np.allclose(data.body("arm_hand").xpos, (0.088, 0, 0.333 + 0.316 + 0.384 - 0.107), atol=1e-6)


def test_joint_ranges_are_radians(arm):
    model, _, names = arm
    ranges = np.array([model.joint(name).range for name in names.joints])
    assert np.allclose(ranges, JOINT_RANGES_RAD)


def test_home_is_inside_the_ranges():
    for q in (HOME_Q, READY_Q):
        assert (q > JOINT_RANGES_RAD[:, 0]).all()
        assert (q < JOINT_RANGES_RAD[:, 1]).all()


@pytest.mark.parametrize("opening_m", [0.0, 0.03, MAX_OPENING_M])
def test_opening_is_the_distance_between_the_pads(arm, opening_m):
    model, data, names = arm
    set_arm(model, data, opening_m=opening_m)
    mujoco.mj_forward(model, data)
    left, right = (data.geom(f"{finger}_pad") for finger in names.fingers)
    half = model.geom(f"{names.fingers[0]}_pad").size[1]
    assert np.linalg.norm(left.xpos - right.xpos) - 2 * half == pytest.approx(opening_m, abs=1e-6)


def test_two_arms_with_their_own_names_and_places():
    spec = mujoco.MjSpec()
    add_arm(spec)
    other = add_arm(spec, (1.0, 0.5, 0.2), np.pi / 2, "other_")
    model = spec.compile()
    data = mujoco.MjData(model)
    set_arm(model, data, READY_Q)
    set_arm(model, data, READY_Q, names=other)
    mujoco.mj_forward(model, data)
    x, y, z = data.site(ArmNames().grip_site).xpos
    assert np.allclose(data.site(other.grip_site).xpos, (1.0 - y, 0.5 + x, 0.2 + z), atol=1e-6)


def test_wrong_number_of_angles_is_named(arm):
    model, data, _ = arm
    with pytest.raises(InvalidArgumentError, match=r"\(6,\).*\(7,\)"):
        set_arm(model, data, np.zeros(6))
