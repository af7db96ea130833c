"""Quality of service: the choice for each role, and why nothing arrives, in words."""

import itertools

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from kosmos_ros import qos
from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    LivelinessPolicy,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)
from ros_graph import graph, spin_until
from std_msgs.msg import Header, String


def profiles():
    for reliability, durability, liveliness, deadline_ms, lease_ms in itertools.product(
        (ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT),
        (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL),
        (LivelinessPolicy.AUTOMATIC, LivelinessPolicy.MANUAL_BY_TOPIC),
        (0, 50, 100),
        (0, 80),
    ):
        yield QoSProfile(
            depth=1,
            reliability=reliability,
            durability=durability,
            liveliness=liveliness,
            deadline=Duration(nanoseconds=deadline_ms * 10**6),
            liveliness_lease_duration=Duration(nanoseconds=lease_ms * 10**6),
        )


def test_it_judges_as_the_middleware_does():
    for offered, requested in itertools.product(profiles(), profiles()):
        ours = qos.incompatibilities(requested, offered)
        theirs, why = qos_check_compatible(offered, requested)
        assert bool(ours) == (theirs == QoSCompatibility.ERROR), (offered, requested, ours, why)


def test_a_sensor_is_read_from_every_publisher_and_a_busy_reader_loses_nothing():
    reader = qos.profile("sensor_in")
    assert reader.depth >= 5
    for role in qos.ROLES:
        assert not qos.incompatibilities(reader, qos.profile(role)), role


def test_recorders_that_ask_for_everything_get_our_outputs():
    asks = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    for role in ("sensor_out", "output", "latched", "tf", "tf_static"):
        assert not qos.incompatibilities(asks, qos.profile(role)), role


def test_late_joiners_get_what_is_latched():
    assert not qos.incompatibilities(qos.profile("latched"), qos.profile("latched"))
    assert "make it transient local" in qos.incompatibilities(qos.profile("tf_static"), qos.profile("tf"))[0]


def test_each_profile_is_a_new_one():
    qos.profile("output").depth = 99
    assert qos.profile("output").depth == 10


def test_unknown_policies_are_not_judged():
    unknown = QoSProfile(depth=1, reliability=ReliabilityPolicy.UNKNOWN, durability=DurabilityPolicy.UNKNOWN)
    assert not qos.incompatibilities(qos.profile("latched"), unknown)


def test_discovered_publishers_are_explained_in_words(tmp_path):
    with graph(tmp_path) as (context, executor):
        camera = rclpy.create_node("camera", context=context, namespace="/front")
        executor.add_node(camera)
        watcher = rclpy.create_node("watcher", context=context)
        executor.add_node(watcher)
        # Depth beside keep-all and system defaults come back as "unknown" from discovery, and must not be judged.
        camera.create_publisher(String, "/good", qos.profile("latched"))
        camera.create_publisher(String, "/weak", qos.profile("sensor_in"))
        camera.create_publisher(Header, "/other", 10)
        slow = qos.profile("output")
        slow.deadline = Duration(seconds=2)
        camera.create_publisher(String, "/slow", slow)

        def explained(topic, requested, **more):
            found = watcher.get_publishers_info_by_topic(topic)
            return qos.explain(topic, "std_msgs/msg/String", requested, found, **more)

        topics = ("/good", "/weak", "/other", "/slow")
        assert spin_until(executor, lambda: all(watcher.get_publishers_info_by_topic(topic) for topic in topics))
        assert explained("/good", qos.profile("latched")) == []
        (weak,) = explained("/weak", qos.profile("output"))
        assert weak.startswith("/weak: /front/camera: it sends best effort and we ask for reliable")
        assert explained("/other", qos.profile("output")) == [
            "/other: /front/camera publishes std_msgs/msg/Header, we expect std_msgs/msg/String"
        ]
        quick = qos.profile("output")
        quick.deadline = Duration(seconds=1)
        assert "its deadline is 2000 ms and we ask for 1000 ms" in explained("/slow", quick)[0]
        assert "another version" in explained("/good", qos.profile("output"), type_hash="RIHS01_00")[0]
        (endpoint,) = watcher.get_publishers_info_by_topic("/good")
        assert explained("/good", qos.profile("output"), type_hash=str(endpoint.topic_type_hash)) == []
        assert explained("/nobody", qos.profile("output")) == [
            "/nobody: no publisher is there; start one, or remap the topic"
        ]
