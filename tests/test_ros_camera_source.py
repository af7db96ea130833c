"""A camera of the graph as a source of pictures: real rclpy on both sides."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from geometry_msgs.msg import TransformStamped
from kosmos_ros import qos, stamps
from kosmos_ros.camera_info import camera_info_message
from kosmos_ros.camera_source import RosCamera
from kosmos_ros.depth_images import depth_message
from kosmos_ros.errors import NoClockError
from kosmos_ros.images import compressed_message, image_message
from kosmos_ros.settings import GroundingSettings
from ros_domain import own_domain_id
from ros_graph import graph
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from kosmos_agent.errors import InvalidImageError, NoImageError
from kosmos_agent.robot.camera import Camera
from kosmos_agent.skills import CameraSource

WIDTH, HEIGHT, OPTICAL = 64, 48, "camera_optical_frame"
LENS = Camera.from_field_of_view(WIDTH, HEIGHT, 0.8)
NS = stamps.NS_PER_S


class Robot:
    """A camera that publishes when it is told to, on simulated time."""

    def __init__(self, node):
        self.node = node
        self.topics = {
            name: node.create_publisher(kind, name, qos.profile(role))
            for name, kind, role in (
                ("image_raw", Image, "sensor_out"),
                ("image_raw/compressed", CompressedImage, "sensor_out"),
                ("camera_info", CameraInfo, "sensor_out"),
                ("depth/image_rect", Image, "sensor_out"),
                ("/tf_static", TFMessage, "tf_static"),
                ("/clock", Clock, "sensor_out"),
            )
        }

    def tick(self, now_ns):
        self.topics["/clock"].publish(Clock(clock=stamps.time_message(now_ns)))

    def pose(self, height_m):
        moved = TransformStamped(header=stamps.header("base_link", 0), child_frame_id=OPTICAL)
        moved.transform.translation.z = height_m
        moved.transform.rotation.x, moved.transform.rotation.w = 1.0, 0.0
        self.topics["/tf_static"].publish(TFMessage(transforms=[moved]))

    def picture(self, stamp_ns, shade, depth_m=None, compressed=False):
        header = stamps.header(OPTICAL, stamp_ns)
        rgb = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
        if depth_m is not None:
            self.topics["camera_info"].publish(camera_info_message(LENS, header))
            depth = np.full((HEIGHT, WIDTH), depth_m, np.float32)
            self.topics["depth/image_rect"].publish(depth_message(depth, header))
        if compressed:
            self.topics["image_raw/compressed"].publish(compressed_message(rgb, header))
        else:
            self.topics["image_raw"].publish(image_message(rgb, header))


@pytest.fixture(scope="module")
def robot(tmp_path_factory):
    with graph(tmp_path_factory.mktemp("log")) as (context, executor):
        node = rclpy.create_node("robot", context=context)
        executor.add_node(node)
        yield Robot(node)


@pytest.fixture
def opened(robot):
    cameras = []

    def one(image="image_raw", **options):
        cameras.append(RosCamera.open(image, domain_id=own_domain_id(), **options))
        return cameras[-1]

    yield one
    for camera in cameras:
        camera.close()


def awaited(camera, publish, ready=lambda shot: True, after_ns=None):
    """A shot once discovery is through: said again until it is heard; in the end whatever the camera says."""
    for _ in range(100):
        publish()
        try:
            shot = camera.newest(after_ns, timeout_s=0.2)
        except (NoImageError, NoClockError):
            continue
        if ready(shot):
            return shot
    return camera.newest(after_ns, timeout_s=0.2)


def test_a_picture_comes_with_stamp_frame_and_age_and_a_newer_one_is_waited_for(robot, opened):
    camera = opened(depth=None, simulated=True)

    def say():
        robot.tick(int(10.5 * NS))
        robot.picture(10 * NS, 90)

    shot = awaited(camera, say, lambda shot: shot.age_s > 0)
    assert isinstance(camera, CameraSource)
    assert (shot.stamp_ns, shot.frame_id, camera.live) == (10 * NS, OPTICAL, True)
    assert shot.age_s == pytest.approx(0.5)
    assert shot.rgb.shape == (HEIGHT, WIDTH, 3)
    assert (shot.rgb == 90).all()
    assert shot.depth is None
    robot.tick(int(12.5 * NS))
    with pytest.raises(NoImageError, match="no newer picture"):
        camera.newest(10 * NS, timeout_s=0.2)
    newer = awaited(camera, lambda: robot.picture(12 * NS, 30), after_ns=10 * NS)
    assert (newer.stamp_ns, int(newer.rgb[0, 0, 0])) == (12 * NS, 30)


def test_depth_and_pose_of_the_pictures_own_moment_come_with_it(robot, opened):
    camera = opened(simulated=True)
    count = iter(range(1, 1000))

    def say():
        robot.tick(60 * NS)
        robot.pose(1.5)
        robot.picture(50 * NS + next(count), 90, depth_m=1.2)

    shot = awaited(camera, say, lambda shot: shot.depth is not None)
    depth = shot.depth
    assert depth.frame_id == "base_link"
    assert depth.depth_m == pytest.approx(np.full((HEIGHT, WIDTH), 1.2), abs=1e-6)
    assert depth.camera.matrix == pytest.approx(LENS.matrix)
    assert depth.T_base_camera[:3, 3] == pytest.approx([0, 0, 1.5])
    assert depth.T_base_camera[2, 2] == pytest.approx(-1)
    again = camera.newest(timeout_s=5)
    assert again.rgb is shot.rgb or again.stamp_ns > shot.stamp_ns, "one message is decoded once"


def test_without_a_transform_a_picture_comes_without_depth(robot, opened):
    settings = GroundingSettings(target_frame="nowhere", transform_timeout_sec=0.0)
    camera = opened(settings=settings, simulated=True)

    def say():
        robot.tick(70 * NS)
        robot.picture(70 * NS, 90, depth_m=1.2)

    assert awaited(camera, say).depth is None


def test_a_compressed_topic(robot, opened):
    camera = opened("image_raw/compressed", depth=None, simulated=True)

    def say():
        robot.tick(80 * NS)
        robot.picture(80 * NS, 120, compressed=True)

    shot = awaited(camera, say)
    assert shot.rgb.shape == (HEIGHT, WIDTH, 3)
    assert shot.rgb.mean() == pytest.approx(120, abs=3)


def test_a_topic_without_a_camera_says_so(opened):
    with pytest.raises(NoImageError, match="is the camera running"):
        opened("other/image_raw", depth=None).newest(timeout_s=0.1)


def test_a_picture_that_cannot_be_read_is_an_error(robot, opened):
    camera = opened(depth=None, simulated=True)
    broken = image_message(np.zeros((HEIGHT, WIDTH, 3), np.uint8), stamps.header(OPTICAL, 90 * NS))
    broken.encoding = "secret"

    def say():
        robot.tick(90 * NS)
        robot.topics["image_raw"].publish(broken)

    with pytest.raises(InvalidImageError, match="secret"):
        awaited(camera, say)
