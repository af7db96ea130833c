"""What the grounding node publishes by itself: detections, markers, poses, frames, films, diagnostics."""

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import numpy as np
import rclpy
from geometry_msgs.msg import PoseStamped
from kosmos_interfaces.msg import Grounding, Reason, TargetEvent
from kosmos_ros.images import image_message, rgb_from_image
from kosmos_ros.settings import GroundingSettings
from rclpy.parameter import Parameter
from ros_graph import graph
from ros_robot import BASE, S, robot_of, table
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray, VisionInfo
from visualization_msgs.msg import Marker, MarkerArray

SPOKEN = (
    (Detection3DArray, "/grounding/detections_3d"),
    (PoseStamped, "/grounding/target_pose"),
    (Image, "/grounding/annotated_image"),
    (MarkerArray, "/grounding/markers"),
    (TFMessage, "/tf"),
)


@pytest.fixture
def robot(tmp_path):
    with robot_of(tmp_path, publish_annotated=True, publish_tf=True, qos_check_period_sec=0.5) as made:
        yield made


@pytest.fixture
def heard(robot):
    for kind, topic in SPOKEN:
        robot.hear(kind, topic)
    topics = [topic for _, topic in SPOKEN]
    assert robot.until(lambda: all(robot.peer.count_publishers(topic) for topic in topics))
    assert robot.until(lambda: all(robot.node.count_subscribers(topic) for topic in topics))
    robot.stand(table().phrase)
    return robot.heard


def test_one_picture_comes_out_in_every_form_and_all_agree(robot, heard):
    header = robot.shoot()
    names = ("detections", "detections_3d", "target_pose", "annotated_image", "markers", "tf")
    assert robot.until(lambda: all(heard[name] for name in names)), {name: len(heard[name]) for name in names}
    assert heard["detections"][0].header == header
    (found,) = heard["detections_3d"][0].detections
    assert heard["detections_3d"][0].header == found.header == Header(stamp=header.stamp, frame_id=BASE)
    assert found.id
    assert found.results[0].hypothesis.class_id == table().phrase
    at = found.bbox.center.position
    assert np.allclose((at.x, at.y, at.z), table().place, atol=0.03), "where the thing stands"
    assert np.array(found.results[0].pose.covariance).reshape(6, 6)[0, 0] > 0

    pose = heard["target_pose"][0]
    assert (pose.header, pose.pose) == (found.header, found.bbox.center)
    (frame,) = heard["tf"][0].transforms
    assert (frame.header, frame.child_frame_id) == (found.header, GroundingSettings().published_frame)
    assert (frame.transform.translation.x, frame.transform.translation.z) == (at.x, at.z)

    before, box, label = heard["markers"][0].markers
    assert before.action == Marker.DELETEALL
    assert (box.type, box.header, box.pose) == (Marker.CUBE, found.header, found.bbox.center)
    assert (box.scale.x, box.scale.y, box.scale.z) == (found.bbox.size.x, found.bbox.size.y, found.bbox.size.z)
    assert label.type == Marker.TEXT_VIEW_FACING
    assert label.text == f"{table().phrase} {100 * found.results[0].hypothesis.score:.0f} %"
    assert label.pose.position.z > at.z

    drawn = heard["annotated_image"][0]
    assert drawn.header == header
    changed = (rgb_from_image(drawn) != robot.seen.rgb).any(axis=2)
    assert changed.any()
    middle = heard["detections"][0].detections[0].bbox.center.position
    rows, columns = np.nonzero(changed)
    assert columns.min() <= middle.x <= columns.max()
    assert rows.min() <= middle.y <= rows.max()


def test_what_is_not_there_is_no_detection_and_moves_no_pose(robot, heard):
    robot.shoot()
    assert robot.until(lambda: heard["target_pose"])
    robot.stand("the purple dragon")
    robot.tick(robot.now_ns + S // 10)
    header = robot.shoot()
    assert robot.until(lambda: heard["detections_3d"] and heard["detections_3d"][-1].header.stamp == header.stamp)
    assert robot.until(lambda: heard["detections"][-1].header == header)
    assert heard["answers"][-1].status == Grounding.NOT_FOUND
    assert heard["detections"][-1].detections == heard["detections_3d"][-1].detections == []
    assert robot.until(lambda: [item.action for item in heard["markers"][-1].markers] == [Marker.DELETEALL])
    assert len(heard["target_pose"]) == len(heard["tf"]) == 1


def test_a_thing_that_is_gone_is_an_event_with_its_id(tmp_path):
    with robot_of(tmp_path, track_max_misses=1) as robot:
        robot.stand(table().phrase)
        robot.shoot()
        assert robot.until(lambda: robot.heard["target_events"])
        bare = np.full_like(robot.seen.rgb, 150)
        for _ in range(2):
            robot.tick(robot.now_ns + S // 10)
            robot.shoot(rgb=bare)
            header = robot.header()
            assert robot.until(lambda header=header: robot.heard["answers"][-1].header == header)
        assert robot.until(lambda: len(robot.heard["target_events"]) == 2)
        appeared, lost = robot.heard["target_events"]
        assert (appeared.kind, lost.kind) == (TargetEvent.APPEARED, TargetEvent.LOST)
        assert lost.target.id == appeared.target.id
        assert lost.misses == 2


def test_forms_can_be_switched_off_while_it_runs(robot, heard):
    off = [Parameter(name, value=False) for name in ("publish_annotated", "publish_markers", "publish_tf")]
    assert all(result.successful for result in robot.node.set_parameters(off))
    robot.shoot()
    assert robot.until(lambda: heard["target_pose"])
    assert not any(heard[name] for name in ("annotated_image", "markers", "tf"))


def test_who_comes_late_still_hears_which_model_it_is(robot):
    robot.hear(VisionInfo, "/grounding/info", "latched")
    assert robot.until(lambda: robot.heard["info"])
    assert (robot.heard["info"][0].method, robot.heard["info"][0].database_location) == ("Kosmos-2", "tabletop")


def test_compressed_pictures_are_seen_as_well(tmp_path):
    with robot_of(tmp_path, image_transport="compressed") as robot:
        assert robot.node.count_subscribers("image_raw") == 0
        header = robot.shoot()
        result = robot.answer(table().phrase)
        assert result.grounding.header == header
        at = result.grounding.targets[0].pose.position
        assert np.allclose((at.x, at.y, at.z), table().place, atol=0.03)
        robot.tick(robot.now_ns + S // 10)
        robot.give_colour(CompressedImage(header=robot.header(), format="jpeg", data=b"\xff\xd8\xff no jpeg"))
        assert robot.answer(table().phrase).reason.code == Reason.INVALID_IMAGE
        robot.tick(robot.now_ns + S // 10)
        robot.shoot()
        assert robot.answer(table().phrase).reason.code == Reason.NONE


def test_diagnostics_come_once_a_second_also_while_the_simulated_clock_stands(tmp_path):
    assert GroundingSettings().diagnostics_period_sec == 1.0
    with robot_of(tmp_path, diagnostics_period_sec=1.0) as robot:
        assert robot.node._ticker.timer_period_ns == S
        said = []
        really = robot.node._diagnostics.publish
        robot.node._diagnostics.publish = lambda message: (said.append(message), really(message))
        heard = robot.heard["diagnostics"]
        heard.clear()
        assert robot.until(lambda: len(heard) == 3)
        assert len(said) - len(heard) in (0, 1), "each turn of the timer is one message"
        assert {message.header.stamp.sec for message in heard} == {robot.now_ns // S}
        assert all(message.status[0].name == "/grounding: grounding" for message in heard)


def test_publishers_that_do_not_match_are_said_in_words_until_they_do(tmp_path):
    assert GroundingSettings().qos_check_period_sec == 5.0
    with robot_of(tmp_path, qos_check_period_sec=0.5) as robot:
        node = robot.node
        assert node._watcher.timer_period_ns == S // 2
        said, really = [], node._work.watch._on_change
        node._work.watch._on_change = lambda sentence: (said.append(sentence), really(sentence))
        robot.peer.destroy_publisher(robot.info)
        assert robot.until(lambda: "/camera_info: no publisher is there; start one, or remap the topic" in said)
        wrong = "/camera_info: /driver publishes std_msgs/msg/Header, we expect sensor_msgs/msg/CameraInfo"
        # A participant of its own: DDS allows one type for each topic in one.
        with graph(tmp_path) as (context, _):
            driver = rclpy.create_node("driver", context=context)
            driver.create_publisher(Header, "camera_info", 10)
            assert robot.until(lambda: wrong in said)
            robot.give_colour(image_message(robot.seen.rgb, robot.header()))
            told = robot.diagnosis(lambda status: any(item.value == wrong for item in status.values))
            assert told.level == told.WARN
            driver.destroy_node()
        robot.info = robot.peer.create_publisher(CameraInfo, "camera_info", 10)
        assert robot.until(lambda: not any("/camera_info" in item for item in node.health.snapshot().mismatches))
        assert said.count(wrong) == 1, "said once, not every time"
