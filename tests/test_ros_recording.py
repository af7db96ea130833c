"""What we publish, recorded raw and read back by rosbags: equal values, and the type hashes of the live graph."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("rosbags")

import rclpy
import ros_bags
from kosmos_interfaces.msg import Grounding
from kosmos_ros import answers, qos, stamps
from kosmos_ros.bag_reader import typestore
from kosmos_ros.detections import detections_2d
from kosmos_ros.images import image_message
from ros_graph import graph, spin_until
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Image
from std_msgs.msg import String
from vision_msgs.msg import Detection2DArray

from kosmos_agent.results import Box, Candidate, Clause, Frame
from kosmos_agent.results import Grounding as Answer

STAMP_NS = 1_234_567_890
HEADER = stamps.header("camera_optical_frame", STAMP_NS)
ANSWER = Answer(
    phrase="the grüne cup left of the box",
    status="found",
    candidates=(Candidate(box=Box(x1=0.1, y1=0.2, x2=0.3, y2=0.5), probability=0.875),),
    presence=0.9375,
    probability_kind="calibrated",
    clauses=(Clause(words="left of the box", relation="left of", anchor="the box", anchor_box=None, state="unsure"),),
    frame=Frame(width=64, height=48, stamp_ns=STAMP_NS),
    model="tabletop",
    timings_ms={"vision": 12.5},
)


def published():
    """topic -> message, of the kinds that the nodes publish."""
    rgb = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    grounding = answers.grounding_message(ANSWER, HEADER, image_age_s=0.25)
    return {
        "/camera/image_raw": image_message(rgb, HEADER),
        "/grounding/answers": grounding,
        "/grounding/detections": detections_2d([grounding], HEADER),
        "/pick/status": String(data="looking for the grüne cup"),
    }


KINDS = {
    "/camera/image_raw": (Image, "sensor_msgs/msg/Image"),
    "/grounding/answers": (Grounding, "kosmos_interfaces/msg/Grounding"),
    "/grounding/detections": (Detection2DArray, "vision_msgs/msg/Detection2DArray"),
    "/pick/status": (String, "std_msgs/msg/String"),
}


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """topic -> raw bytes as a subscription of a live graph got them, and the type hash that the graph states."""
    with graph(tmp_path_factory.mktemp("logs")) as (context, executor):
        node = rclpy.create_node("recorder", context=context)
        executor.add_node(node)
        raw, publishers = {}, {}
        for topic, (kind, _) in KINDS.items():
            node.create_subscription(
                kind,
                topic,
                lambda data, topic=topic: raw.setdefault(topic, bytes(data)),
                qos.profile("output"),
                raw=True,
            )
            publishers[topic] = node.create_publisher(kind, topic, qos.profile("output"))
        assert spin_until(executor, lambda: all(item.get_subscription_count() for item in publishers.values()))
        for topic, message in published().items():
            publishers[topic].publish(message)
        assert spin_until(executor, lambda: len(raw) == len(KINDS))
        hashes = {topic: str(node.get_publishers_info_by_topic(topic)[0].topic_type_hash) for topic in KINDS}
    return raw, hashes


@pytest.fixture(params=ros_bags.STORAGES)
def read(request, heard, tmp_path):
    """topic -> the message as rosbags reads it, and the hash in the bag."""
    raw, _ = heard
    types = {topic: name for topic, (_, name) in KINDS.items()}
    entries = [(topic, STAMP_NS + index, data) for index, (topic, data) in enumerate(raw.items())]
    path = ros_bags.write_bag(tmp_path / "bag", entries, request.param, types)
    with AnyReader([path]) as reader:
        return {
            item.topic: (reader.deserialize(data, item.msgtype), item.digest) for item, _, data in reader.messages()
        }


def test_type_hashes_of_the_bag_are_those_of_the_live_graph(read, heard):
    _, hashes = heard
    assert {topic: digest for topic, (_, digest) in read.items()} == hashes
    store = typestore()
    assert {topic: store.hash_rihs01(name) for topic, (_, name) in KINDS.items()} == hashes


def test_values_are_those_that_were_published(read):
    sent = published()
    picture, words = read["/camera/image_raw"][0], read["/pick/status"][0]
    assert (picture.width, picture.height, picture.step, picture.encoding) == (64, 48, 192, "rgb8")
    assert picture.data.tobytes() == sent["/camera/image_raw"].data.tobytes()
    assert words.data == sent["/pick/status"].data
    answer = read["/grounding/answers"][0]
    assert (answer.phrase, answer.status, answer.presence) == (ANSWER.phrase, Grounding.FOUND, ANSWER.presence)
    assert (answer.clauses[0].words, answer.timings[0].duration_ms) == ("left of the box", 12.5)
    assert (answer.image_age.sec, answer.image_age.nanosec) == (0, 250_000_000)


def test_detections_carry_the_header_and_box_of_the_picture(read):
    detections, sent = read["/grounding/detections"][0], published()["/grounding/detections"]
    assert (detections.header.stamp.sec, detections.header.stamp.nanosec) == divmod(STAMP_NS, 10**9)
    assert detections.header.frame_id == "camera_optical_frame"
    (found,), (meant,) = detections.detections, sent.detections
    assert (found.bbox.center.position.x, found.bbox.size_y) == (meant.bbox.center.position.x, meant.bbox.size_y)
    assert found.results[0].hypothesis.class_id == ANSWER.phrase
    assert np.array_equal(found.results[0].pose.covariance, meant.results[0].pose.covariance)
