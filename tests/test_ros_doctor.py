"""The doctor on a small real graph, with one fault planted at a time."""

import os
import time

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import threading
from collections import Counter
from contextlib import contextmanager

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import Quaternion, Transform, TransformStamped
from kosmos_interfaces.action import Ground
from kosmos_ros import environment, qos, stamps
from kosmos_ros.doctor import examine, graph_there
from kosmos_ros.faults import MAX_CHARACTERS, bounded, sound
from kosmos_ros.graph import camera_graph, simulated_graph
from kosmos_ros.session import open_session
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.action import ActionClient, ActionServer
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from ros_domain import own_domain_id
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage

INFO, IMAGE = "/camera/camera_info", "/camera/image_raw"
CAMERA_FRAME = "camera_optical_frame"


@pytest.fixture(scope="module", autouse=True)
def domain_id(tmp_path_factory):
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_LOG_DIR"] = str(tmp_path_factory.mktemp("log"))
    return own_domain_id()


class Scene:
    """A graph that is well, piece by piece; a test leaves one out or makes it wrong."""

    def __init__(self, context):
        self.context, self.executor, self.nodes = context, MultiThreadedExecutor(2, context=context), []
        self.spinning = threading.Thread(target=self.executor.spin, daemon=True)
        self.spinning.start()

    def node(self, name, **parameters):
        overrides = [Parameter(key, value=value) for key, value in parameters.items()]
        node = Node(name, context=self.context, use_global_arguments=False, parameter_overrides=overrides)
        self.executor.add_node(node)
        self.nodes.append(node)
        return node

    def grounding(self, *, active=True, image_qos=None, **parameters):
        node = self.node("grounding", **parameters)
        for name, default in (("target_frame", "base_link"), ("max_image_age_sec", 1.0), ("use_depth", True)):
            node.declare_parameter(name, default)
        node.create_subscription(CameraInfo, INFO, lambda _: None, qos.profile("sensor_in"))
        node.create_subscription(Image, IMAGE, lambda _: None, image_qos or qos.profile("sensor_in"))
        self.server = ActionServer(node, Ground, "~/ground", lambda _: Ground.Result())
        state = State(label="active" if active else "inactive")
        # rclpy keeps the name of a destroyed LifecycleNode in the graph for as long as its process lives.
        node.create_service(GetState, "~/get_state", lambda *_: GetState.Response(current_state=state))
        return node

    def pick(self, ground="/grounding/ground", **parameters):
        node = self.node("pick", **parameters)
        self.client = ActionClient(node, Ground, ground)

    def camera(self, *, age_s=0.0, frame=CAMERA_FRAME, mute=False):
        """Also publishes the pose of its frame in base_link."""
        node = self.node("driver")
        static = node.create_publisher(TFMessage, "/tf_static", qos.profile("tf_static"))
        mounted = TransformStamped(child_frame_id=CAMERA_FRAME, transform=Transform(rotation=Quaternion(w=1.0)))
        mounted.header.frame_id = "base_link"
        static.publish(TFMessage(transforms=[mounted]))
        node.create_publisher(Image, IMAGE, qos.profile("sensor_out"))
        info = node.create_publisher(CameraInfo, INFO, qos.profile("sensor_out"))

        def publish():
            if not mute:
                info.publish(CameraInfo(header=stamps.header(frame, time.time_ns() - int(age_s * 1e9))))

        node.create_timer(0.05, publish)
        return node

    def close(self):
        if hasattr(self, "client"):
            self.client.destroy()
        if hasattr(self, "server"):
            self.server.destroy()
        self.executor.shutdown()
        self.spinning.join()
        for node in self.nodes:
            node.destroy_node()


@contextmanager
def scene(domain_id):
    context = rclpy.Context()
    rclpy.init(args=[], context=context, domain_id=domain_id)
    made = Scene(context)
    try:
        yield made
    finally:
        made.close()
        rclpy.shutdown(context=context)


def look(scene, domain_id, graph=None, **options):
    """Once all of the scene has been discovered, which takes up to seconds."""
    with open_session(domain_id) as session:
        assert session.until(lambda: discovered(session.node, scene.nodes if scene else []), 20.0)
        return examine(session, graph, discovery_s=0.5, listen_s=0.6, **options)


def discovered(seer, nodes):
    names = Counter(seer.get_node_names())
    pairs = [(seer.count_publishers, "publishers"), (seer.count_subscribers, "subscriptions")]
    return all(names[name] >= count for name, count in Counter(node.get_name() for node in nodes).items()) and all(
        count(topic) >= many
        for count, kind in pairs
        for topic, many in Counter(end.topic_name for node in nodes for end in getattr(node, kind)).items()
    )


def faults(found):
    return {(fault.code, fault.subject): fault for fault in found if fault.level == "fault"}


def test_a_graph_that_is_well_has_no_fault_and_its_unheard_topics_are_notes(domain_id):
    with scene(domain_id) as graph:
        grounding = graph.grounding()
        grounding.create_publisher(Image, "~/annotated_image", 1)
        graph.pick()
        graph.camera()
        found = look(graph, domain_id)
    assert faults(found) == {}
    assert sound(found)
    (note,) = found
    assert (note.code, note.message) == ("no_subscriber", "nobody hears /grounding/annotated_image")


def test_an_empty_domain_is_one_fault_that_names_it(domain_id):
    found = look(None, domain_id)
    assert [fault.code for fault in found] == ["nothing_there"]
    assert f"domain {domain_id};" in found[0].message
    assert "/grounding, /pick" in found[0].subject
    assert "kosmos-agent ros up" in found[0].remedy


def test_a_missing_node_and_a_server_that_nobody_is(domain_id):
    with scene(domain_id) as graph:
        graph.pick()
        found = faults(look(graph, domain_id, camera_graph()))
    assert set(found) == {("node_absent", "/grounding"), ("no_server", "/grounding/ground")}
    assert "--remap pick:ground:=" in found["no_server", "/grounding/ground"].remedy


def test_two_nodes_of_one_name(domain_id):
    with scene(domain_id) as graph:
        graph.grounding()
        graph.pick()
        graph.node("pick")
        graph.camera()
        assert ("name_twice", "/pick") in faults(look(graph, domain_id))


def test_an_inactive_node_is_named_with_the_step_that_it_lacks(domain_id):
    with scene(domain_id) as graph:
        graph.grounding(active=False)
        graph.pick()
        graph.camera()
        found = faults(look(graph, domain_id))
    assert set(found) == {("not_active", "/grounding")}
    assert "ros2 lifecycle set /grounding activate" in found["not_active", "/grounding"].remedy


def test_a_topic_under_another_name_is_offered_for_the_remap(domain_id):
    with scene(domain_id) as graph:
        graph.grounding()
        graph.pick()
        graph.node("driver").create_publisher(Image, "/my/camera/image_raw", 1)
        found = faults(look(graph, domain_id))
    assert ("no_publisher", INFO) in found
    assert "--remap image_raw:=/my/camera/image_raw" in found["no_publisher", IMAGE].remedy


def test_qualities_that_do_not_match_are_said_in_words(domain_id):
    asks = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    with scene(domain_id) as graph:
        graph.grounding(image_qos=asks)
        graph.pick()
        graph.camera()
        found = faults(look(graph, domain_id))
    assert set(found) == {("mismatch", IMAGE)}
    assert "transient local" in found["mismatch", IMAGE].message


def test_a_frame_that_tf_does_not_know(domain_id):
    with scene(domain_id) as graph:
        graph.grounding()
        graph.pick()
        graph.camera(frame="elsewhere")
        found = faults(look(graph, domain_id))
    assert set(found) == {("no_transform", "elsewhere")}
    assert "--child-frame-id elsewhere" in found["no_transform", "elsewhere"].remedy


@pytest.mark.parametrize(("age_s", "code"), [(30.0, "stale_pictures"), (-30.0, "clock_skew")])
def test_stamps_that_are_not_of_now(domain_id, age_s, code):
    with scene(domain_id) as graph:
        graph.grounding()
        graph.pick()
        graph.camera(age_s=age_s)
        assert set(faults(look(graph, domain_id))) == {(code, INFO)}


def test_a_camera_that_says_nothing(domain_id):
    with scene(domain_id) as graph:
        graph.grounding()
        graph.pick()
        graph.camera(mute=True)
        assert set(faults(look(graph, domain_id))) == {("silent", INFO)}


@pytest.mark.parametrize(("clock", "code"), [(None, "no_clock"), ("stands", "stale_clock"), ("back", "clock_back")])
def test_clocks_that_are_none(domain_id, clock, code):
    with scene(domain_id) as graph:
        graph.grounding(use_sim_time=True)
        graph.pick(use_sim_time=True)
        driver = graph.camera(mute=True)
        if clock is not None:
            publisher, seconds = driver.create_publisher(Clock, "/clock", qos.profile("clock")), [1000]

            def tick():
                seconds[0] -= 1 if clock == "back" else 0
                publisher.publish(Clock(clock=stamps.time_message(seconds[0] * 1_000_000_000)))

            driver.create_timer(0.05, tick)
        assert (code, "/clock") in faults(look(graph, domain_id))


def test_nodes_that_go_by_different_clocks(domain_id):
    with scene(domain_id) as graph:
        graph.grounding(use_sim_time=True)
        graph.pick()
        graph.camera()
        found = faults(look(graph, domain_id))
    assert "/grounding go by /clock, /pick by the wall's clock" in found["clocks_differ", "/clock"].message


def test_what_our_nodes_say_of_themselves_and_the_profile_that_they_lack(domain_id):
    with scene(domain_id) as graph:
        grounding = graph.grounding()
        graph.pick()
        graph.camera()
        publisher = grounding.create_publisher(DiagnosticArray, "/diagnostics", qos.profile("output"))
        missing = environment.missing_profile({})
        own = DiagnosticStatus(
            level=DiagnosticStatus.WARN,
            name="/grounding: grounding",
            message="bad\x1b[31m\npictures" + "x" * 1000,
            values=[KeyValue(key="mismatch 1", value=missing)],
        )
        foreign = DiagnosticStatus(level=DiagnosticStatus.ERROR, name="/motors: left", message="hot")
        grounding.create_timer(0.1, lambda: publisher.publish(DiagnosticArray(status=[own, foreign])))
        found = faults(look(graph, domain_id))
    assert {code for code, _ in found} == {"diagnostics", "no_profile"}
    message = found["diagnostics", "/grounding: grounding"].message
    assert message.startswith("warns: bad [31m pictures")
    assert len(message) < MAX_CHARACTERS + 20
    assert environment.PROFILE_FILE in found["no_profile", "/grounding: grounding"].message


def test_a_shell_without_the_profile_is_a_note(domain_id):
    with scene(domain_id) as graph:
        graph.grounding()
        graph.pick()
        graph.camera()
        assert "shell_profile" in [fault.code for fault in look(graph, domain_id, variables={})]
        assert "shell_profile" not in [
            fault.code for fault in look(graph, domain_id, variables=environment.for_process({}))
        ]


def test_the_simulated_robot_tells_which_graph_is_meant(domain_id):
    with scene(domain_id) as graph, open_session(domain_id) as session:
        assert graph_there(session) == camera_graph()
        graph.node("sim")
        session.until(lambda: graph_there(session) == simulated_graph(), 20.0)
        assert graph_there(session) == simulated_graph()


def test_foreign_words_are_one_line():
    assert bounded("a\nb\tc\x00d") == "a b c d"
    assert len(bounded("x" * 10_000)) == MAX_CHARACTERS
