"""What the simulated robot publishes: pictures, depth, camera_info, frames and the clock."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from numpy.typing import NDArray
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from kosmos_agent.robot.camera import Camera
from kosmos_ros import qos, stamps
from kosmos_ros.camera_info import camera_info_message
from kosmos_ros.depth_images import depth_message
from kosmos_ros.images import compressed_message, image_message
from kosmos_ros.poses import quaternion
from kosmos_ros.settings import SimCameraSettings
from kosmos_ros.sim_world import CLOCK_START_NS, Moment

MOVING_CAMERAS = ("wrist",)


class SimPublishers:
    """clock_ns: what was last told of time. All but the making runs on the world's thread."""

    def __init__(self, node: Node, settings: SimCameraSettings) -> None:
        self._settings, self.clock_ns = settings, CLOCK_START_NS
        self._raw = settings.image_transport == "raw"
        kind, topic = (Image, "camera/image_raw") if self._raw else (CompressedImage, "camera/image_raw/compressed")
        sensor = qos.profile("sensor_out")
        self._colour = node.create_publisher(kind, topic, sensor)
        self._info = node.create_publisher(CameraInfo, "camera/camera_info", sensor)
        self._depth = node.create_publisher(Image, "camera/depth/image_rect", sensor)
        self._tf = node.create_publisher(TFMessage, "/tf", qos.profile("tf"))
        self._tf_static = node.create_publisher(TFMessage, "/tf_static", qos.profile("tf_static"))
        self._clock = node.create_publisher(Clock, "/clock", qos.profile("clock")) if settings.publish_clock else None
        self._mounted = False

    def clock(self, clock_ns: int) -> None:
        self.clock_ns = clock_ns
        if self._clock is not None:
            self._clock.publish(Clock(clock=stamps.time_message(clock_ns)))

    def moment(self, moment: Moment) -> None:
        """Frames first: who gets a picture may at once ask where it was taken."""
        self._frames(moment)
        seen, settings = moment.seen, self._settings
        header = stamps.header(settings.optical_frame, seen.stamp_ns)
        height, width = seen.rgb.shape[:2]
        self._info.publish(camera_info_message(Camera.from_matrix(seen.intrinsics, width, height), header))
        self._depth.publish(depth_message(seen.depth_m, header))
        if self._raw:
            self._colour.publish(image_message(seen.rgb, header))
        else:
            self._colour.publish(compressed_message(seen.rgb, header, quality=settings.jpeg_quality))

    def _frames(self, moment: Moment) -> None:
        stamp_ns = moment.seen.stamp_ns
        camera = self._transform(self._settings.optical_frame, moment.seen.T_base_camera, stamp_ns)
        moving = [self._transform(self._settings.gripper_frame, moment.T_base_gripper, stamp_ns)]
        if moment.seen.camera in MOVING_CAMERAS:
            moving.append(camera)
        elif not self._mounted:
            # Once is enough: it is latched, and holds for all time.
            self._tf_static.publish(TFMessage(transforms=[camera]))
            self._mounted = True
        self._tf.publish(TFMessage(transforms=moving))

    def _transform(self, child: str, T_base_child: NDArray[np.float64], stamp_ns: int) -> TransformStamped:
        x, y, z = (float(value) for value in T_base_child[:3, 3])
        qx, qy, qz, qw = (float(value) for value in quaternion(T_base_child[:3, :3]))
        return TransformStamped(
            header=stamps.header(self._settings.base_frame, stamp_ns),
            child_frame_id=child,
            transform=Transform(translation=Vector3(x=x, y=y, z=z), rotation=Quaternion(x=qx, y=qy, z=qz, w=qw)),
        )
