"""results.Target3D <-> kosmos_interfaces/msg/Target3D."""

from __future__ import annotations

from dataclasses import dataclass

from geometry_msgs.msg import Vector3
from kosmos_interfaces.msg import Target3D as TargetMessage

from kosmos_agent.results import Target3D
from kosmos_ros import detections, stamps


@dataclass(frozen=True)
class LocatedTarget:
    """candidate: which one of the answer it was made from. track_id: stable across pictures; empty: not tracked."""

    target: Target3D
    candidate: int = 0
    track_id: str = ""


def target_message(located: LocatedTarget, width: int, height: int) -> TargetMessage:
    """width, height: of the picture, pixels."""
    target = located.target
    return TargetMessage(
        header=stamps.header(target.frame_id, target.stamp_ns),
        id=located.track_id,
        phrase=target.phrase,
        probability=target.probability,
        pose=detections.upright_pose(target.position_m, target.yaw_rad),
        size=Vector3(x=target.size_m[0], y=target.size_m[1], z=target.size_m[2]),
        extent_m=list(target.extent_m),
        yaw_rad=target.yaw_rad,
        covariance_m2=list(target.covariance_m2),
        support_height_m=target.support_height_m,
        points=target.points,
        candidate=located.candidate,
        bbox=detections.box_message(target.box, width, height),
        image_width=width,
        image_height=height,
    )


def target_from_message(message: TargetMessage) -> LocatedTarget:
    """InvalidBoxError where its box lies outside its picture."""
    position, size = message.pose.position, message.size
    xx, xy, xz, yx, yy, yz, zx, zy, zz = (float(value) for value in message.covariance_m2)
    target = Target3D(
        phrase=message.phrase,
        frame_id=message.header.frame_id,
        stamp_ns=stamps.stamp_ns(message.header.stamp) or None,
        position_m=(position.x, position.y, position.z),
        size_m=(size.x, size.y, size.z),
        yaw_rad=message.yaw_rad,
        extent_m=(float(message.extent_m[0]), float(message.extent_m[1])),
        covariance_m2=(xx, xy, xz, yx, yy, yz, zx, zy, zz),
        support_height_m=message.support_height_m,
        points=message.points,
        box=detections.box_from_message(message.bbox, message.image_width, message.image_height),
        probability=message.probability,
    )
    return LocatedTarget(target, message.candidate, message.id)
