"""The transform buffer: what it answers at a picture's stamp, and in which words it refuses."""

import threading

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kosmos_ros.errors import (
    BadTransformError,
    FramesNotConnectedError,
    TransformExtrapolationError,
    UnknownFrameError,
)
from kosmos_ros.poses import Pose, quaternion, rotation_matrix, slerp
from kosmos_ros.transforms import TransformBuffer

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.robot import frames

S = 1_000_000_000
IDENTITY = Pose.checked((0, 0, 0), (0, 0, 0, 1))

numbers = st.floats(-5, 5)
turns = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1)
poses = st.builds(
    lambda position, turn: Pose.checked(position, np.array(turn) / np.linalg.norm(turn)),
    st.tuples(numbers, numbers, numbers),
    turns,
)


def at_x(x_m):
    return Pose.checked((x_m, 0, 0), (0, 0, 0, 1))


def between_in_mujoco(start, end, share):
    """An implementation that is not ours: go along the rotation vector from one to the other."""
    first, last = np.roll(start, 1), np.roll(end, 1)
    vector = np.zeros(3)
    mujoco.mju_subQuat(vector, last, first)
    mujoco.mju_quatIntegrate(first, vector, share)
    return np.roll(first, -1)


@given(poses, poses, st.floats(0, 1))
@settings(max_examples=100)
def test_slerp_is_the_way_that_mujoco_goes(one, other, share):
    # At half a turn both ways round are as short, and either is right.
    if abs(one.quaternion @ other.quaternion) < 1e-3:
        return
    ours, theirs = (
        slerp(one.quaternion, other.quaternion, share),
        between_in_mujoco(one.quaternion, other.quaternion, share),
    )
    np.testing.assert_allclose(rotation_matrix(ours), rotation_matrix(theirs), atol=1e-6)
    assert np.linalg.norm(ours) == pytest.approx(1)


@given(poses)
def test_quaternions_and_matrices_are_one_rotation(pose):
    checked = frames.checked_transform(pose.matrix)
    back = quaternion(checked[:3, :3])
    assert back[3] >= 0
    assert abs(back @ pose.quaternion) == pytest.approx(1)


def test_half_turns_keep_their_axis():
    for axis in np.eye(3):
        half_turn = np.array([*axis, 0.0])
        assert abs(quaternion(rotation_matrix(half_turn)) @ half_turn) == pytest.approx(1)


@given(st.lists(st.tuples(st.integers(0, 5), poses), min_size=1, max_size=6), st.data())
@settings(max_examples=40)
def test_any_two_frames_of_a_tree_are_composed(links, data):
    buffer, T_root_frame = TransformBuffer(), {"f0": np.eye(4)}
    for index, (parent, pose) in enumerate(links, start=1):
        parent_name = f"f{min(parent, index - 1)}"
        buffer.add(parent_name, f"f{index}", pose, 5 * S, static=data.draw(st.booleans()))
        T_root_frame[f"f{index}"] = T_root_frame[parent_name] @ pose.matrix
    target, source = data.draw(st.sampled_from(sorted(T_root_frame))), data.draw(st.sampled_from(sorted(T_root_frame)))
    expected = np.linalg.inv(T_root_frame[target]) @ T_root_frame[source]
    np.testing.assert_allclose(buffer.lookup(target, source, 5 * S), expected, atol=1e-9)


@given(poses, poses, st.integers(0, 100))
@settings(max_examples=40)
def test_between_two_samples_position_is_linear_and_rotation_slerp(before, after, percent):
    buffer = TransformBuffer()
    buffer.add("map", "base", after, 2 * S)
    buffer.add("map", "base", before, 1 * S)
    found = buffer.lookup("map", "base", S + percent * S // 100)
    np.testing.assert_allclose(found, before.towards(after, percent / 100).matrix, atol=1e-12)
    np.testing.assert_allclose(
        found[:3, 3], before.translation_m + percent / 100 * (after.translation_m - before.translation_m)
    )


def test_a_target_on_a_moving_base_is_where_the_base_was_at_that_moment():
    buffer = TransformBuffer()
    buffer.add("base", "camera", at_x(0.5), 0, static=True)
    for tenth in range(11):
        yaw = 0.1 * tenth
        pose = Pose.checked((tenth, 0, 0), (0, 0, np.sin(yaw / 2), np.cos(yaw / 2)))
        buffer.add("map", "base", pose, S + tenth * S // 10)
    found = buffer.lookup("map", "camera", S + 55 * S // 100)
    np.testing.assert_allclose(found[:3, 3], (5.5 + 0.5 * np.cos(0.55), 0.5 * np.sin(0.55), 0), atol=1e-9)


def test_the_order_of_arrival_does_not_matter_and_the_first_of_one_stamp_counts():
    buffer = TransformBuffer()
    for stamp in (3, 1, 2):
        assert buffer.add("map", "base", at_x(stamp), stamp * S)
    assert not buffer.add("map", "base", at_x(99), 2 * S)
    for stamp in (1.0, 1.5, 2.0, 2.75, 3.0):
        assert buffer.lookup("map", "base", int(stamp * S))[0, 3] == pytest.approx(stamp)


def test_it_never_guesses_beyond_what_it_heard():
    buffer = TransformBuffer()
    buffer.add("map", "base", at_x(1), 10 * S)
    buffer.add("map", "base", at_x(2), 12 * S)
    with pytest.raises(
        TransformExtrapolationError, match=r"500.0 ms after the newest .*'base'; valid: 10.000 to 12.000"
    ):
        buffer.lookup("map", "base", 12 * S + S // 2)
    with pytest.raises(TransformExtrapolationError, match=r"250.0 ms before the oldest"):
        buffer.lookup("base", "map", 10 * S - S // 4)
    with pytest.raises(InvalidArgumentError, match="the picture's own stamp, above 0"):
        buffer.lookup("map", "base", 0)


def test_only_the_way_between_the_two_frames_must_hold():
    buffer = TransformBuffer()
    buffer.add("map", "base", at_x(1), 1 * S)
    buffer.add("base", "arm", at_x(2), 5 * S)
    buffer.add("base", "camera", at_x(3), 0, static=True)
    assert buffer.lookup("camera", "arm", 5 * S)[0, 3] == -1
    with pytest.raises(TransformExtrapolationError, match="'base'"):
        buffer.lookup("map", "arm", 5 * S)


def test_history_is_bounded():
    buffer = TransformBuffer(history_s=1.0)
    for tenth in range(100):
        buffer.add("map", "base", at_x(tenth), S + tenth * S // 10)
    with pytest.raises(TransformExtrapolationError, match=r"valid: 9.900 to 10.900"):
        buffer.lookup("map", "base", 9 * S)
    assert not buffer.add("map", "base", at_x(0), 2 * S), "older than the history"


def test_unknown_and_unconnected_frames_are_told_apart():
    buffer = TransformBuffer()
    with pytest.raises(UnknownFrameError, match="known: none yet"):
        buffer.lookup("map", "base", S)
    buffer.add("map", "base", IDENTITY, S, static=True)
    buffer.add("world", "camera", IDENTITY, S, static=True)
    with pytest.raises(UnknownFrameError, match="'gripper' is not in tf; known: base, camera, map, world"):
        buffer.lookup("map", "gripper", S)
    with pytest.raises(FramesNotConnectedError, match="under 'map' and 'world'"):
        buffer.lookup("base", "camera", S)


def test_many_frames_do_not_make_a_long_message():
    buffer = TransformBuffer()
    for index in range(500):
        buffer.add("map", f"frame{index}", IDENTITY, S, static=True)
    with pytest.raises(UnknownFrameError, match="and 489 more") as caught:
        buffer.lookup("map", "nowhere", S)
    assert len(str(caught.value)) < 300


def test_a_thing_that_is_handed_over_changes_its_parent():
    buffer = TransformBuffer()
    buffer.add("map", "table", at_x(10), S, static=True)
    buffer.add("map", "gripper", at_x(20), S, static=True)
    for stamp, parent in ((1, "table"), (2, "table"), (4, "gripper"), (5, "gripper")):
        buffer.add(parent, "cup", at_x(stamp), stamp * S)
    assert buffer.lookup("map", "cup", 2 * S)[0, 3] == 12
    assert buffer.lookup("map", "cup", 4 * S + S // 2)[0, 3] == 24.5
    with pytest.raises(TransformExtrapolationError, match="'cup' moved from parent 'table' to 'gripper'"):
        buffer.lookup("map", "cup", 3 * S)


def test_a_frame_is_static_or_moves_as_was_said_last():
    buffer = TransformBuffer()
    buffer.add("map", "base", at_x(1), S)
    buffer.add("map", "base", at_x(2), 0, static=True)
    assert buffer.lookup("map", "base", 100 * S)[0, 3] == 2
    buffer.add("map", "base", at_x(3), 7 * S)
    with pytest.raises(TransformExtrapolationError, match=r"valid: 7.000 to 7.000"):
        buffer.lookup("map", "base", 100 * S)


def test_clearing_forgets_what_moves_and_time_may_start_again():
    buffer = TransformBuffer()
    buffer.add("map", "base", at_x(1), 100 * S)
    buffer.add("base", "camera", at_x(2), 0, static=True)
    buffer.clear()
    with pytest.raises(UnknownFrameError, match="'map'"):
        buffer.lookup("map", "camera", 100 * S)
    assert buffer.add("map", "base", at_x(5), 1 * S)
    assert buffer.lookup("map", "camera", 1 * S)[0, 3] == 7


def test_loops_and_nonsense_are_refused():
    buffer = TransformBuffer()
    buffer.add("a", "b", IDENTITY, S, static=True)
    buffer.add("b", "c", IDENTITY, S, static=True)
    buffer.add("c", "a", IDENTITY, S, static=True)
    buffer.add("x", "y", IDENTITY, S, static=True)
    with pytest.raises(BadTransformError, match="loop"):
        buffer.lookup("a", "y", S)
    for parent, child in (("", "b"), ("a", ""), ("a", "a"), ("a", "/a")):
        with pytest.raises(BadTransformError, match="two different names"):
            buffer.add(parent, child, IDENTITY, S)
    with pytest.raises(InvalidArgumentError, match="history"):
        TransformBuffer(history_s=0)


@pytest.mark.parametrize(
    ("position", "turn", "words"),
    [
        ((0, 0, np.nan), (0, 0, 0, 1), "not finite"),
        ((0, 0, 0), (0, np.inf, 0, 1), "not finite"),
        ((0, 0, 0), (0, 0, 0, 0), "length 0; a rotation has 1"),
        ((0, 0, 0), (0, 0, 0, 2), "length 2"),
        ((0, 0), (0, 0, 0, 1), "valid: "),
    ],
)
def test_malformed_poses_are_refused(position, turn, words):
    with pytest.raises(BadTransformError, match=words):
        Pose.checked(position, turn, "camera in base")


def test_a_leading_slash_is_dropped():
    buffer = TransformBuffer()
    buffer.add("/map", "/base", at_x(1), S, static=True)
    assert buffer.frames == ("base", "map")
    assert buffer.lookup("map", "/base", S)[0, 3] == 1


def test_a_frame_in_itself_needs_no_tf():
    np.testing.assert_array_equal(TransformBuffer().lookup("camera", "camera", S), np.eye(4))


def test_waiting_ends_when_the_transform_comes():
    buffer, found, waits = TransformBuffer(), [], threading.Event()
    buffer.add("map", "base", at_x(1), 1 * S)

    def clock():
        waits.set()
        return 0.0

    waiter = threading.Thread(target=lambda: found.append(buffer.wait_for("map", "base", 2 * S, 60.0, clock=clock)))
    waiter.start()
    assert waits.wait(20)
    buffer.add("map", "base", at_x(3), 3 * S)
    waiter.join(20)
    assert found[0][0, 3] == 2


def test_waiting_ends_in_the_error_that_says_what_is_missing():
    buffer = TransformBuffer()
    with pytest.raises(UnknownFrameError, match=r"waited 0.01 s"):
        buffer.wait_for("map", "base", S, 0.01)
    buffer.add("map", "base", IDENTITY, S)
    with pytest.raises(TransformExtrapolationError, match=r"after the newest.*waited 0 s"):
        buffer.wait_for("map", "base", 2 * S, 0.0)
