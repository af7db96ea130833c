"""Our boxes and targets as vision_msgs detections and geometry_msgs poses.

Boxes are in pixels of the whole picture, edge to edge: a box over all of it has its centre at (width / 2, height / 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseStamped, PoseWithCovariance, Quaternion, Vector3
from kosmos_interfaces.msg import Grounding, Target3D
from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D,
    BoundingBox3D,
    Detection2D,
    Detection2DArray,
    Detection3D,
    Detection3DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    Pose2D,
)

from kosmos_agent.results import Box
from kosmos_ros.poses import yaw_quaternion

UNKNOWN_VARIANCE = 1e6
"""Square metres or radians, of what a detection says nothing about; zeros would claim certainty."""
TURN_VARIANCE_RAD2 = np.pi**2 / 3
"""Of an angle that may be any, uniform over a full turn."""
YAW_VARIANCE_RAD2 = np.pi**2 / 12
"""Of an undirected axis, uniform over half a turn: how well the yaw is known was never measured."""


def box_message(box: Box, width: int, height: int) -> BoundingBox2D:
    """Pixels of a width x height picture."""
    x1, y1, x2, y2 = box.to_pixels(width, height)
    centre = Pose2D(position=Point2D(x=(x1 + x2) / 2, y=(y1 + y2) / 2), theta=0.0)
    return BoundingBox2D(center=centre, size_x=x2 - x1, size_y=y2 - y1)


def box_from_message(box: BoundingBox2D, width: int, height: int) -> Box:
    """Parts outside the picture are cut off; InvalidBoxError where nothing is left."""
    x, y = box.center.position.x, box.center.position.y
    across, down = box.size_x / 2, box.size_y / 2
    return Box.from_pixels((x - across, y - down, x + across, y + down), max(width, 1), max(height, 1))


def detection_2d(
    box: BoundingBox2D, phrase: str, probability: float, header: Header, track_id: str = ""
) -> Detection2D:
    """The class is the phrase. Where the thing is in space is unknown to it."""
    nowhere = PoseWithCovariance(covariance=(UNKNOWN_VARIANCE * np.eye(6)).ravel())
    hypothesis = ObjectHypothesis(class_id=phrase, score=probability)
    result = ObjectHypothesisWithPose(hypothesis=hypothesis, pose=nowhere)
    return Detection2D(header=header, results=[result], bbox=box, id=track_id)


def detections_2d(answers: Iterable[Grounding], header: Header) -> Detection2DArray:
    """Of all answers to one picture, whose header this is: what they stand by, and the rivals of ambiguous ones."""
    return Detection2DArray(header=header, detections=[found for answer in answers for found in _shown(answer)])


def detections_3d(targets: Iterable[Target3D], header: Header) -> Detection3DArray:
    """header: the targets' frame at the picture's stamp."""
    return Detection3DArray(header=header, detections=[_detection_3d(target) for target in targets])


def pose_stamped(target: Target3D) -> PoseStamped:
    """A point on the thing to go to, not the pose of a wrist."""
    return PoseStamped(header=target.header, pose=target.pose)


def pose_with_covariance(target: Target3D) -> PoseWithCovariance:
    """Position as measured; the turn about z uniform over half a turn, the others over a full one."""
    covariance = np.diag([0.0, 0.0, 0.0, TURN_VARIANCE_RAD2, TURN_VARIANCE_RAD2, YAW_VARIANCE_RAD2])
    covariance[:3, :3] = np.reshape(target.covariance_m2, (3, 3))
    return PoseWithCovariance(pose=target.pose, covariance=covariance.ravel())


def upright_pose(position_m: tuple[float, float, float], yaw_rad: float) -> Pose:
    """Turned about z alone."""
    x, y, z, w = (float(value) for value in yaw_quaternion(yaw_rad))
    position = Point(x=position_m[0], y=position_m[1], z=position_m[2])
    return Pose(position=position, orientation=Quaternion(x=x, y=y, z=z, w=w))


def _detection_3d(target: Target3D) -> Detection3D:
    hypothesis = ObjectHypothesis(class_id=target.phrase, score=target.probability)
    result = ObjectHypothesisWithPose(hypothesis=hypothesis, pose=pose_with_covariance(target))
    along, across = (float(value) for value in target.extent_m)
    box = BoundingBox3D(center=target.pose, size=Vector3(x=along, y=across, z=target.size.z))
    return Detection3D(header=target.header, results=[result], bbox=box, id=target.id)


def _shown(answer: Grounding) -> Sequence[Detection2D]:
    if answer.status == Grounding.FOUND and answer.count == Grounding.ONE:
        return answer.candidates[:1]
    return answer.candidates if answer.status in (Grounding.FOUND, Grounding.AMBIGUOUS) else ()
