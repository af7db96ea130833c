"""What the pick node publishes: words for people, and where it is about to grasp."""

from __future__ import annotations

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from std_msgs.msg import String

from kosmos_agent.results import Target3D
from kosmos_agent.robot.pick import PickReport
from kosmos_ros import qos
from kosmos_ros.moveit import MoveItTypes, collision_object, grasp_pose

MAX_STATUS_CHARACTERS = 1024

_HANDED_OVER = {
    "moveit": "handed over on ~/collision_object and ~/grasp_pose; the motion is MoveIt's",
    "pose": "handed over on ~/grasp_pose; the motion is another's",
}


class PickOutputs:
    """types: of MoveIt's messages; None publishes no collision object."""

    def __init__(self, node: Node, types: MoveItTypes | None) -> None:
        self._node, self._types = node, types
        kept = qos.profile("output")
        kept.durability = DurabilityPolicy.TRANSIENT_LOCAL
        self._status = node.create_publisher(String, "~/status", kept)
        self._pose = node.create_publisher(PoseStamped, "~/grasp_pose", qos.profile("output"))
        self._object = None
        if types is not None:
            self._object = node.create_publisher(types.CollisionObject, "~/collision_object", qos.profile("output"))

    def say(self, words: str) -> None:
        text = " ".join(words.split())[:MAX_STATUS_CHARACTERS]
        self._node.get_logger().info(text)
        self._status.publish(String(data=text))

    def target(self, target: Target3D, object_id: str) -> None:
        """The object first: who plans to the pose must know of it."""
        if self._object is not None and self._types is not None:
            self._object.publish(collision_object(target, self._types, object_id))
        self._pose.publish(grasp_pose(target))


def in_words(report: PickReport, planner: str) -> PickReport:
    """A hand-over says where it went; other reports stay as they are."""
    if report.status != "handed_over":
        return report
    return report.model_copy(update={"message": f"{report.phrase!r} is {_HANDED_OVER[planner]}"})
