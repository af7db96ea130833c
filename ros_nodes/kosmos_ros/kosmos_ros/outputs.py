"""What the grounding node publishes, and when: answers of goals and standing phrases, detections of the latter alone.

A goal asks for itself; a stream that others follow (`~/target_pose`) must not jump when one comes in.
"""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import PoseStamped, Transform, TransformStamped, Vector3
from kosmos_interfaces.msg import Grounding, Target3D, TargetEvent
from PIL import Image as Picture
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray, Detection3DArray, VisionInfo
from visualization_msgs.msg import MarkerArray

from kosmos_agent.drawing.answers import film_frame
from kosmos_ros import qos
from kosmos_ros.answering import Answered
from kosmos_ros.detections import detections_2d, detections_3d, pose_stamped
from kosmos_ros.images import image_message
from kosmos_ros.markers import target_markers
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.targets import LocatedTarget, target_message
from kosmos_ros.tracks import NamedEvent

KINDS = {"appeared": TargetEvent.APPEARED, "lost": TargetEvent.LOST}


class Outputs:
    """Lifecycle publishers: mute while the node is inactive."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        kinds = {
            "answers": Grounding,
            "detections": Detection2DArray,
            "detections_3d": Detection3DArray,
            "target_pose": PoseStamped,
            "annotated_image": Image,
            "markers": MarkerArray,
            "target_events": TargetEvent,
        }
        self._publishers = {
            name: node.create_lifecycle_publisher(kind, f"~/{name}", qos.profile("output"))
            for name, kind in kinds.items()
        }
        self._info = node.create_lifecycle_publisher(VisionInfo, "~/info", qos.profile("latched"))
        self._tf = node.create_lifecycle_publisher(TFMessage, "/tf", qos.profile("tf"))

    def close(self) -> None:
        for publisher in (*self._publishers.values(), self._info, self._tf):
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers = {}

    def info(self, model: str) -> None:
        header = Header(stamp=self._node.get_clock().now().to_msg())
        self._info.publish(VisionInfo(header=header, method="Kosmos-2", database_location=model))

    def answered(self, answered: Answered, settings: GroundingSettings) -> None:
        for grounding in answered.groundings:
            self._publish("answers", grounding)
        for event in answered.events:
            self._publish("target_events", _event_message(event, answered))
        targets = [target for grounding in answered.groundings for target in grounding.targets]
        if settings.publish_markers and answered.groundings:
            self._publish("markers", target_markers(target for target in targets if target.id))
        if settings.publish_annotated and answered.results and answered.rgb is not None:
            # Of the picture's own size, so that its header and camera_info hold for it too.
            drawn = np.asarray(film_frame(Picture.fromarray(answered.rgb), "", answered.results))
            self._publish("annotated_image", image_message(drawn, answered.shot.message.header))
        if answered.standing:
            self._standing(answered, targets, settings)

    def _standing(self, answered: Answered, targets: list[Target3D], settings: GroundingSettings) -> None:
        header = answered.shot.message.header
        shown = detections_2d(answered.groundings, header)
        shown.detections = [
            item for item in shown.detections if item.results[0].hypothesis.score >= settings.score_threshold
        ]
        self._publish("detections", shown)
        sure = [target for target in targets if target.id and target.probability >= settings.score_threshold]
        frame = sure[0].header if sure else Header(stamp=header.stamp, frame_id=settings.target_frame)
        self._publish("detections_3d", detections_3d(sure, frame))
        best = _best(answered, settings)
        if best is not None:
            self._publish("target_pose", pose_stamped(best))
            if settings.publish_tf:
                self._tf.publish(TFMessage(transforms=[_frame(best, settings.published_frame)]))

    def _publish(self, name: str, message: object) -> None:
        self._publishers[name].publish(message)


def _best(answered: Answered, settings: GroundingSettings) -> Target3D | None:
    """The likeliest target of the answers that are sure which thing is meant."""
    meant = [
        target
        for grounding in answered.groundings
        if grounding.status == Grounding.FOUND
        for target in grounding.targets
        if (target.candidate == 0 or grounding.count == Grounding.MANY)
        and target.probability >= settings.score_threshold
    ]
    return max(meant, key=lambda target: float(target.probability), default=None)


def _event_message(named: NamedEvent, answered: Answered) -> TargetEvent:
    event = named.event
    track = event.track
    target = track.target.model_copy(update={"stamp_ns": event.stamp_ns})
    height, width = (0, 0) if answered.rgb is None else answered.rgb.shape[:2]
    message = target_message(LocatedTarget(target, track_id=named.track_id), width, height)
    return TargetEvent(kind=KINDS[event.kind], target=message, sightings=track.sightings, misses=track.misses)


def _frame(target: Target3D, name: str) -> TransformStamped:
    at = target.pose.position
    move = Transform(translation=Vector3(x=at.x, y=at.y, z=at.z), rotation=target.pose.orientation)
    return TransformStamped(header=target.header, child_frame_id=name, transform=move)
