"""A client that is not ours: Cyclone DDS alone, no rclpy. Hears detections and a status, prints them as JSON lines.

python ros_cyclone_client.py DOMAIN DETECTIONS_TOPIC STATUS_TOPIC PATIENCE_S
"""

import json
import sys
import time
from dataclasses import dataclass

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import array, float64, int32, sequence, uint32
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration
from ros_cyclone_words import described

# As ROS 2 names types and topics on the wire: `pkg::msg::dds_::Type_`, `rt/topic`.


@dataclass
class Time(IdlStruct, typename="builtin_interfaces::msg::dds_::Time_"):
    sec: int32
    nanosec: uint32


@dataclass
class Header(IdlStruct, typename="std_msgs::msg::dds_::Header_"):
    stamp: Time
    frame_id: str


@dataclass
class String(IdlStruct, typename="std_msgs::msg::dds_::String_"):
    data: str


@dataclass
class Point(IdlStruct, typename="geometry_msgs::msg::dds_::Point_"):
    x: float64
    y: float64
    z: float64


@dataclass
class Quaternion(IdlStruct, typename="geometry_msgs::msg::dds_::Quaternion_"):
    x: float64
    y: float64
    z: float64
    w: float64


@dataclass
class Pose(IdlStruct, typename="geometry_msgs::msg::dds_::Pose_"):
    position: Point
    orientation: Quaternion


@dataclass
class PoseWithCovariance(IdlStruct, typename="geometry_msgs::msg::dds_::PoseWithCovariance_"):
    pose: Pose
    covariance: array[float64, 36]


@dataclass
class Point2D(IdlStruct, typename="vision_msgs::msg::dds_::Point2D_"):
    x: float64
    y: float64


@dataclass
class Pose2D(IdlStruct, typename="vision_msgs::msg::dds_::Pose2D_"):
    position: Point2D
    theta: float64


@dataclass
class BoundingBox2D(IdlStruct, typename="vision_msgs::msg::dds_::BoundingBox2D_"):
    center: Pose2D
    size_x: float64
    size_y: float64


@dataclass
class ObjectHypothesis(IdlStruct, typename="vision_msgs::msg::dds_::ObjectHypothesis_"):
    class_id: str
    score: float64


@dataclass
class ObjectHypothesisWithPose(IdlStruct, typename="vision_msgs::msg::dds_::ObjectHypothesisWithPose_"):
    hypothesis: ObjectHypothesis
    pose: PoseWithCovariance


@dataclass
class Detection2D(IdlStruct, typename="vision_msgs::msg::dds_::Detection2D_"):
    header: Header
    results: sequence[ObjectHypothesisWithPose]
    bbox: BoundingBox2D
    id: str


@dataclass
class Detection2DArray(IdlStruct, typename="vision_msgs::msg::dds_::Detection2DArray_"):
    header: Header
    detections: sequence[Detection2D]


def main(domain, detections_topic, status_topic, patience_s):
    # The old representation, XCDR1, is what ROS 2 writes.
    policies = (Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(10))
    qos = Qos(*policies, Policy.DataRepresentation(use_cdrv0_representation=True))
    participant = DomainParticipant(int(domain))
    kinds = {"detections": (detections_topic, Detection2DArray), "status": (status_topic, String)}
    readers = {
        name: DataReader(participant, Topic(participant, f"rt{topic}", kind, qos=qos), qos=qos)
        for name, (topic, kind) in kinds.items()
    }
    heard = dict.fromkeys(readers, 0)
    deadline = time.monotonic() + float(patience_s)
    while not all(heard.values()) and time.monotonic() < deadline:
        for name, reader in readers.items():
            for message in reader.take(N=10):
                if isinstance(message, Detection2DArray | String):
                    heard[name] += 1
                    said = message.data if name == "status" else described(message)
                    print(json.dumps({name: said}), flush=True)
        time.sleep(0.05)
    return 0 if all(heard.values()) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
