"""What robots do to the grounding node: cameras that stop, clocks that jump, malformed messages. It goes on."""

import random

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import numpy as np
from kosmos_interfaces.msg import Reason
from kosmos_ros.depth_images import depth_message
from kosmos_ros.images import image_message
from ros_noise import noise_clock, noise_compressed, noise_image, noise_info, noise_text, noise_transform
from ros_robot import S, robot_of, table
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

THOUSAND = 1000


@pytest.fixture
def robot(tmp_path):
    with robot_of(tmp_path) as made:
        yield made


@pytest.fixture
def thing():
    """What is asked for."""
    return table().phrase


def test_a_camera_that_stops_for_five_seconds_and_comes_back(robot, thing):
    robot.stand(thing)
    robot.shoot()
    assert robot.until(lambda: len(robot.heard["detections"]) == 1)
    first = robot.heard["answers"][0].targets[0]
    robot.diagnosis(lambda status: (status.level, status.message) == (status.OK, "answering"))

    robot.peer.destroy_publisher(robot.colour)
    robot.tick(robot.now_ns + 5 * S)
    status = robot.diagnosis(lambda status: "the newest picture is 5.0 s old" in status.message)
    assert status.level == status.STALE
    assert len(robot.heard["detections"]) == 1, "nothing stale is answered"

    robot.open_camera()
    assert robot.until(robot.colour.get_subscription_count)
    header = robot.shoot()
    assert robot.until(lambda: robot.heard["detections"][-1].header == header)
    assert robot.until(lambda: robot.heard["answers"][-1].header == header)
    assert robot.heard["answers"][-1].targets[0].id == first.id, "the same thing is known again"
    robot.diagnosis(lambda status: (status.level, status.message) == (status.OK, "answering"))
    assert robot.answer(thing).reason.code == Reason.NONE


def test_a_goal_while_the_camera_is_silent_says_so_and_the_next_is_answered(robot, thing):
    robot.shoot()
    robot.tick(robot.now_ns + 5 * S)
    result = robot.answer(thing)
    assert result.reason.code == Reason.STALE_IMAGE
    assert "5 s old" in result.reason.message
    robot.shoot()
    assert robot.answer(thing).reason.code == Reason.NONE


def test_time_that_goes_back_forgets_pictures_and_tracks(robot, thing):
    robot.shoot()
    first = robot.answer(thing).grounding.targets[0]
    robot.tick(3 * S)
    assert robot.codes()["time_jumped_back"] == 1
    assert robot.answer(thing).reason.code == Reason.NO_IMAGE
    robot.shoot()
    again = robot.answer(thing).grounding.targets[0]
    assert again.id not in ("", first.id), "an id is never used again"


def test_pictures_whose_stamps_go_back_begin_anew(robot, thing):
    """A recording that loops, on the wall's clock."""
    robot.shoot()
    robot.answer(thing)
    robot.shoot(stamp_ns=robot.now_ns - 2 * S)
    assert robot.codes()["time_jumped_back"] == 1
    robot.tick(robot.now_ns + S // 10)
    robot.shoot()
    assert robot.answer(thing).grounding.targets


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda message: setattr(message, "step", 100), "step"),
        (lambda message: setattr(message, "width", 2**32 - 1), "4294967295"),
        (lambda message: setattr(message, "height", 0), "0"),
        (lambda message: setattr(message, "data", b""), "0 bytes"),
        (lambda message: setattr(message, "encoding", "rgb7"), "rgb7"),
    ],
    ids=["step", "size", "flat", "empty", "encoding"],
)
def test_a_malformed_picture_is_a_diagnostic_and_the_next_is_answered(robot, thing, break_it, words):
    robot.stand(thing)
    message = image_message(robot.seen.rgb, robot.header())
    break_it(message)
    robot.give_colour(message)
    status = robot.diagnosis(lambda status: status.message.startswith("invalid_image: "))
    assert status.level == status.WARN
    assert words in status.message
    assert robot.until(lambda: robot.heard["answers"])
    assert robot.heard["answers"][0].reason.code == Reason.INVALID_IMAGE
    robot.tick(robot.now_ns + S // 10)
    robot.shoot()
    assert robot.answer(thing).grounding.targets


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0, 650.0], ids=str)
def test_depth_that_holds_nothing_is_a_diagnostic_and_the_next_is_answered(robot, thing, value):
    robot.stand(thing)
    robot.shoot(depth=False)
    robot.give_depth(depth_message(np.full_like(robot.seen.depth_m, value), robot.header()))
    answer = robot.answer(thing).grounding
    assert answer.target_reason.code == Reason.INVALID_DEPTH
    assert answer.candidates, "where it is in the picture is told all the same"
    assert "invalid_depth" in robot.codes()
    robot.tick(robot.now_ns + S // 10)
    robot.shoot()
    assert robot.answer(thing).grounding.targets


def test_a_thousand_malformed_messages_of_each_kind_leave_it_answering(robot, thing):
    dice = random.Random(0)
    node, store = robot.node, robot.node._work.store
    robot.stand(thing)
    for index in range(THOUSAND):
        picture = noise_image(dice)
        node._colour(store, picture)
        node._depth(store, noise_image(dice))
        store.add_info(noise_info(dice))
        node._phrases(String(data=noise_text(dice)))
        for take in (node._work.listener._moving, node._work.listener._static):
            take(TFMessage(transforms=[noise_transform(dice) for _ in range(3)]))
        if index % 25 == 0:
            robot.colour.publish(picture)
            robot.depth.publish(noise_image(dice))
            robot.info.publish(noise_info(dice))
            robot.ask(noise_text(dice)[:40], frame=noise_text(dice)[:40])
        robot.executor.spin_once(timeout_sec=0)
    assert_unharmed(robot)
    robot.tick(robot.now_ns + 50 * S)
    store.clear()
    robot.shoot()
    assert robot.answer(thing).grounding.targets


def test_a_thousand_malformed_compressed_pictures_leave_it_answering(tmp_path, thing):
    dice = random.Random(1)
    with robot_of(tmp_path, image_transport="compressed") as robot:
        robot.stand(thing)
        for index in range(THOUSAND):
            picture = noise_compressed(dice)
            robot.node._colour(robot.node._work.store, picture)
            if index % 25 == 0:
                robot.colour.publish(picture)
            robot.executor.spin_once(timeout_sec=0)
        assert_unharmed(robot)
        robot.tick(robot.now_ns + 50 * S)
        robot.node._work.store.clear()
        robot.shoot()
        assert robot.answer(thing).grounding.targets


def test_a_thousand_wild_times_on_the_clock_leave_it_answering(robot, thing):
    """Below zero, rclpy itself would raise to the executor, and the node would end."""
    dice = random.Random(2)
    robot.shoot()
    (take,) = [item.callback for item in robot.node.subscriptions if item.topic_name == "/clock"]
    for index in range(THOUSAND):
        message = noise_clock(dice)
        take(message)
        if index % 25 == 0:
            robot.clock.publish(message)
        robot.executor.spin_once(timeout_sec=0)
    assert_unharmed(robot)
    assert robot.codes()["clock_skew"] > 0
    robot.tick(500 * S)
    robot.shoot()
    assert robot.answer(thing).grounding.targets


def assert_unharmed(robot):
    assert robot.node._work.worker._thread.is_alive()
    assert "other" not in robot.codes(), robot.node.health.snapshot()
