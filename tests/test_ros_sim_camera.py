"""The simulated robot as a node: what others hear of its camera, its clock and its frames."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from kosmos_interfaces.action import Grasp
from kosmos_ros import environment, qos, stamps
from kosmos_ros.camera_info import camera_from_info
from kosmos_ros.depth_images import depth_from_image
from kosmos_ros.grasps import grasp_goal
from kosmos_ros.images import rgb_from_compressed, rgb_from_image
from kosmos_ros.settings import SimCameraSettings
from kosmos_ros.settings_table import described
from kosmos_ros.sim_camera_node import SimCameraNode
from kosmos_ros.tf_listener import TransformListener
from kosmos_ros.transforms import TransformBuffer
from kosmos_sim import world as simulated
from kosmos_sim.motion import CONTROL_PERIOD_S
from rclpy.action import ActionClient
from rclpy.exceptions import InvalidParameterValueException
from rclpy.parameter import Parameter
from ros_domain import own_domain_id
from ros_graph import graph, spin_until
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from kosmos_agent.robot.frames import apply

SMALL = {"seed": 0, "width": 160, "height": 120, "rate_hz": 10.0}
TABLE_TOLERANCE_M = 0.004


def overrides(values):
    return [Parameter(name, value=value) for name, value in values.items()]


class Ear:
    """All that one node hears of the camera."""

    def __init__(self, context):
        self.node = rclpy.create_node("ear", context=context)
        self.colour, self.depth, self.infos, self.clock = [], [], [], []
        self.buffer = TransformBuffer()
        for kind, topic, heard, role in (
            (Image, "camera/image_raw", self.colour, "sensor_out"),
            (CompressedImage, "camera/image_raw/compressed", self.colour, "sensor_out"),
            (Image, "camera/depth/image_rect", self.depth, "sensor_out"),
            (CameraInfo, "camera/camera_info", self.infos, "sensor_out"),
            (Clock, "/clock", self.clock, "clock"),
        ):
            self.node.create_subscription(kind, topic, heard.append, qos.profile(role))
        self.listener = TransformListener(self.node, self.buffer)

    def triples(self):
        """(colour, depth, camera_info) of one stamp each, in order."""
        by_stamp = [
            {stamps.stamp_ns(m.header.stamp): m for m in heard} for heard in (self.colour, self.depth, self.infos)
        ]
        common = sorted(set(by_stamp[0]) & set(by_stamp[1]) & set(by_stamp[2]))
        return [tuple(heard[stamp] for heard in by_stamp) for stamp in common]

    def placed(self):
        """Whether tf has said where the hand was at each picture: other topics come on other ways."""
        try:
            return [
                self.buffer.lookup("gripper", m.header.frame_id, stamps.stamp_ns(m.header.stamp)) for m in self.colour
            ]
        except KosmosAgentError:
            return []


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """What the node said until six pictures had come; and the truth about its camera."""
    with graph(tmp_path_factory.mktemp("log")) as (context, executor):
        ear = Ear(context)
        executor.add_node(ear.node)
        node = SimCameraNode(context=context, parameter_overrides=overrides(SMALL))
        executor.add_node(node)
        assert spin_until(executor, lambda: len(ear.triples()) >= 6 and len(ear.clock) >= 20, 60)
        node.world.stop()
        assert spin_until(executor, ear.placed)
        yield ear


def test_colour_depth_and_camera_info_agree_in_stamp_size_and_frame(heard):
    for colour, depth, info in heard.triples():
        assert colour.header == depth.header == info.header
        assert colour.header.frame_id == "camera_optical_frame"
        assert {(m.width, m.height) for m in (colour, depth, info)} == {(160, 120)}
        assert colour.encoding == "rgb8"
        assert depth.encoding == "32FC1"
        assert rgb_from_image(colour).std() > 10


def test_pictures_come_at_the_rate_of_simulated_time(heard):
    numbers = [stamps.stamp_ns(colour.header.stamp) for colour, _, _ in heard.triples()]
    assert {round(gap_ns / 1e6) for gap_ns in np.diff(numbers)} <= {100, 200, 300, 400}
    assert min(np.diff(numbers)) == pytest.approx(1e8, abs=10)


def test_the_clock_never_goes_back_and_pictures_are_on_it(heard):
    ticks = [stamps.stamp_ns(message.clock) for message in heard.clock]
    assert ticks == sorted(set(ticks))
    assert ticks[0] >= stamps.NS_PER_S
    period_ns = CONTROL_PERIOD_S * stamps.NS_PER_S
    for colour, _, _ in heard.triples():
        steps = (stamps.stamp_ns(colour.header.stamp) - ticks[0]) / period_ns
        assert steps == pytest.approx(round(steps), abs=1e-3)


def test_tf_at_the_stamp_of_a_picture_is_where_the_camera_is(heard):
    with simulated.Tabletop.random(SMALL["seed"], ("cup", "red")) as table:
        truth = table.observe("front", 160, 120).T_base_camera
    for colour, _, _ in heard.triples():
        found = heard.buffer.lookup("base", colour.header.frame_id, stamps.stamp_ns(colour.header.stamp))
        np.testing.assert_allclose(found, truth, atol=1e-9)
    assert heard.buffer.lookup("base", "gripper", stamps.stamp_ns(heard.triples()[-1][0].header.stamp))[2, 3] > 0.2


def test_depth_through_camera_info_and_tf_lands_on_the_table(heard):
    _, depth, info = heard.triples()[-1]
    depth_m, camera = depth_from_image(depth), camera_from_info(info)
    T_base_camera = heard.buffer.lookup("base", depth.header.frame_id, stamps.stamp_ns(depth.header.stamp))
    rows, columns = np.nonzero(np.isfinite(depth_m))
    pixels = np.column_stack([columns, rows]) + 0.5
    x, y, z = apply(T_base_camera, camera.back_project(pixels, depth_m[rows, columns])).T
    on_table = z[(x > 0.3) & (x < 0.75) & (np.abs(y) < 0.35) & (z < 0.01)]
    assert len(on_table) > 500
    assert abs(np.median(on_table)) < TABLE_TOLERANCE_M


def test_a_compressed_picture_of_the_wrist_camera_whose_frame_moves(tmp_path):
    values = {**SMALL, "camera": "wrist", "image_transport": "compressed", "base_frame": "table"}
    with graph(tmp_path) as (context, executor):
        ear = Ear(context)
        executor.add_node(ear.node)
        executor.add_node(SimCameraNode(context=context, parameter_overrides=overrides(values)))
        assert spin_until(executor, lambda: len(ear.triples()) >= 2 and ear.placed(), 60)
        colour = ear.triples()[-1][0]
        assert rgb_from_compressed(colour).shape == (120, 160, 3)
        stamp_ns = stamps.stamp_ns(colour.header.stamp)
        hand, eye = (ear.buffer.lookup("table", name, stamp_ns) for name in ("gripper", "camera_optical_frame"))
        assert 0.01 < np.linalg.norm(hand[:3, 3] - eye[:3, 3]) < 0.2


def test_parameters_out_of_range_are_refused_and_none_changes_later(tmp_path):
    with graph(tmp_path) as (context, _):
        for values in ({"rate_hz": 0.0}, {"width": 8}, {"width": 4096}):
            with pytest.raises(InvalidParameterValueException, match=next(iter(values))):
                SimCameraNode(context=context, parameter_overrides=overrides({**SMALL, **values}))
        for values, words in (({"camera": "side"}, "parameter camera"), ({"instruction": "fetch the sun"}, "sun")):
            with pytest.raises(InvalidArgumentError, match=words):
                SimCameraNode(context=context, parameter_overrides=overrides({**SMALL, **values}))


def test_settings_fit_the_simulation():
    items = {item.name: item for item in described(SimCameraSettings)}
    assert items["width"].maximum == items["height"].maximum == simulated.LARGEST_PX
    assert items["rate_hz"].maximum == pytest.approx(1 / CONTROL_PERIOD_S)
    assert {item.changes for item in items.values()} == {"at start"}


def test_a_setting_cannot_change_while_it_runs(heard):
    (node,) = [node for node in heard.node.executor.get_nodes() if node.get_name() == "sim"]
    for result in node.set_parameters([Parameter("seed", value=3), Parameter("depth_noise", value=False)]):
        assert not result.successful
        assert "read-only" in result.reason
    assert node.get_parameter("seed").value == SMALL["seed"]


def process(tmp_path, *arguments):
    """The node as a process of its own, in the domain of this test process."""
    variables = environment.for_process(domain_id=own_domain_id(), discovery="LOCALHOST")
    variables |= {"ROS_LOG_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "kosmos_ros.sim_camera_node", "--ros-args", *arguments]
    return subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_as_a_process_it_publishes_and_ends_with_0_on_an_interrupt(tmp_path):
    running = process(tmp_path, "-p", "seed:=0", "-p", "width:=160", "-p", "height:=120")
    try:
        with graph(tmp_path) as (context, executor):
            ear = Ear(context)
            executor.add_node(ear.node)
            assert spin_until(executor, lambda: ear.triples() and ear.clock, 90), running.poll()
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, said
    assert "Traceback" not in said
    assert "red cup" in said


def test_as_a_process_it_ends_with_0_when_told_to_while_the_arm_moves(tmp_path):
    with simulated.Tabletop.random(0, ("cup", "red")) as table:
        goal = grasp_goal(table.truth()[0].as_target())
    # A name of its own: the node of `heard` is still there, and would seem to serve the goal.
    running = process(tmp_path, "-r", "__ns:=/other", "-p", "width:=160", "-p", "height:=120", "-p", "seed:=0")
    try:
        with graph(tmp_path) as (context, executor):
            asker, phases = rclpy.create_node("asker", context=context), []
            executor.add_node(asker)
            client = ActionClient(asker, Grasp, "/other/sim/grasp")
            assert spin_until(executor, client.server_is_ready, 90), running.poll()
            client.send_goal_async(goal, feedback_callback=phases.append)
            assert spin_until(executor, lambda: phases, 60)
            running.send_signal(signal.SIGTERM)
            _, said = running.communicate(timeout=60)
            client.destroy()
    finally:
        running.kill()
    assert running.returncode == 0, said
    assert "Traceback" not in said
    assert "cancelled in approach" in said


def test_as_a_process_it_says_what_was_wrong_and_ends_with_2(tmp_path):
    running = process(tmp_path, "-p", "rate_hz:=500.0")
    try:
        _, said = running.communicate(timeout=90)
    finally:
        running.kill()
    assert running.returncode == 2
    assert re.search("sim_camera_node: .*rate_hz", said)
