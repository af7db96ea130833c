"""Small recordings of simulated tables, written by rosbags from rclpy's own bytes."""

from pathlib import Path

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from kosmos_ros import poses, stamps
from kosmos_ros.bag_reader import typestore
from kosmos_ros.camera_info import camera_info_message
from kosmos_ros.depth_images import depth_message
from kosmos_ros.images import image_message
from kosmos_sim.world import Tabletop
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import StoragePlugin, Writer
from tf2_msgs.msg import TFMessage

from kosmos_agent.robot.camera import Camera

OPTICAL, BASE = "camera_optical_frame", "base"
IMAGE, DEPTH = "/camera/image_raw", "/camera/depth/image_rect"
INFO, TF, TF_STATIC = "/camera/camera_info", "/tf", "/tf_static"
TYPES = {
    IMAGE: "sensor_msgs/msg/Image",
    DEPTH: "sensor_msgs/msg/Image",
    INFO: "sensor_msgs/msg/CameraInfo",
    TF: "tf2_msgs/msg/TFMessage",
    TF_STATIC: "tf2_msgs/msg/TFMessage",
}
STORAGES = {"sqlite3": StoragePlugin.SQLITE3, "mcap": StoragePlugin.MCAP}
PERIOD_NS = 100_000_000


def observations(seed=7, count=3, size=(320, 240)):
    """Pictures of one table, the arm holding still between them; the first is taken at one second."""
    with Tabletop.random(seed) as world:
        seen = []
        for _ in range(count):
            world.driver.hold(0.1)
            seen.append(world.observe("front", *size))
        return seen, world.instruction.removeprefix("pick up ")


def transform(T_parent_child, parent, child, stamp_ns):
    x, y, z, w = (float(value) for value in poses.quaternion(T_parent_child[:3, :3]))
    move = [float(value) for value in T_parent_child[:3, 3]]
    return TransformStamped(
        header=stamps.header(parent, stamp_ns),
        child_frame_id=child,
        transform=Transform(
            translation=Vector3(x=move[0], y=move[1], z=move[2]), rotation=Quaternion(x=x, y=y, z=z, w=w)
        ),
    )


def camera_of(seen):
    height, width = seen.rgb.shape[:2]
    return Camera.from_matrix(seen.intrinsics, width, height)


def stamp_of(index):
    return 1_000_000_000 + index * PERIOD_NS


def messages(seen, index):
    """(topic, message) of one moment, in the order of a real graph: the picture first, its transform last."""
    header = stamps.header(OPTICAL, stamp_of(index))
    yield IMAGE, image_message(seen.rgb, header)
    yield INFO, camera_info_message(camera_of(seen), header)
    yield DEPTH, depth_message(seen.depth_m, header)
    moving = transform(np.linalg.inv(seen.T_base_camera), OPTICAL, BASE, stamp_of(index))
    yield TF, TFMessage(transforms=[moving])


def cdr_messages(observed):
    """(topic, received_ns, bytes), each message a millisecond after the one before."""
    for index, seen in enumerate(observed):
        for place, (topic, message) in enumerate(messages(seen, index)):
            yield topic, stamp_of(index) + place * 1_000_000, serialize_message(message)


def write_bag(path: Path, entries, storage="sqlite3", types=TYPES):
    """entries: (topic, received_ns, bytes)."""
    store = typestore()
    with Writer(path, version=9, storage_plugin=STORAGES[storage]) as writer:
        connections = {}
        for topic, received_ns, data in entries:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, types[topic], typestore=store)
            writer.write(connections[topic], received_ns, data)
    return path
