"""A target as MoveIt and others take it over: a pose on the thing, and the thing as a box to plan around and attach."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion

from kosmos_agent.errors import MissingDependencyError
from kosmos_agent.results import Target3D
from kosmos_ros import stamps
from kosmos_ros.detections import upright_pose

UNTRACKED_ID = "kosmos_target"
_MIN_SIDE_M = 1e-3
"""A box without height or width is none; what depth saw edge on still takes room."""


@dataclass(frozen=True)
class MoveItTypes:
    """moveit_msgs/CollisionObject and shape_msgs/SolidPrimitive."""

    CollisionObject: Any
    SolidPrimitive: Any


def moveit_types() -> MoveItTypes:
    """MissingDependencyError where MoveIt's messages are not installed: pip has none."""
    try:
        moveit, shapes = (importlib.import_module(f"{package}.msg") for package in ("moveit_msgs", "shape_msgs"))
    except ImportError as error:
        raise MissingDependencyError(
            f"planner 'moveit' needs MoveIt's messages ({error.name} is missing); in a ROS 2 installation type: "
            "sudo apt install ros-$ROS_DISTRO-moveit-msgs; or set planner to 'pose', which needs none"
        ) from error
    return MoveItTypes(moveit.CollisionObject, shapes.SolidPrimitive)


def grasp_pose(target: Target3D) -> PoseStamped:
    """The middle of the thing's top, in the target's frame at the picture's stamp; x along its longer side, z up.

    A point on the thing, not the pose of a wrist: how a gripper comes to it is the planner's to say.
    """
    x, y, z = target.position_m
    pose = upright_pose((x, y, z + target.size_m[2] / 2), target.yaw_rad)
    return PoseStamped(header=stamps.header(target.frame_id, target.stamp_ns), pose=pose)


def collision_object(target: Target3D, types: MoveItTypes, object_id: str = "") -> Any:
    """To be added to a planning scene: a box as large as the target, turned as it is, its pose that of the middle."""
    along_m, across_m = target.extent_m
    sides_m = [max(float(side_m), _MIN_SIDE_M) for side_m in (along_m, across_m, target.size_m[2])]
    box = types.SolidPrimitive(type=types.SolidPrimitive.BOX, dimensions=sides_m)
    here = Pose(position=Point(x=0.0, y=0.0, z=0.0), orientation=Quaternion(x=0.0, y=0.0, z=0.0, w=1.0))
    return types.CollisionObject(
        header=stamps.header(target.frame_id, target.stamp_ns),
        pose=upright_pose(target.position_m, target.yaw_rad),
        id=object_id or UNTRACKED_ID,
        primitives=[box],
        primitive_poses=[here],
        operation=types.CollisionObject.ADD,
    )
