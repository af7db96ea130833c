"""Messages of our own types with whatever the types allow in them: NaN, huge numbers, odd text, wrong codes."""

import math
import random

from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from kosmos_interfaces.action import Grasp, Ground
from kosmos_interfaces.msg import Clause, Grounding, Reason, Target3D, TargetEvent, Timing
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D, Detection2D, ObjectHypothesis, ObjectHypothesisWithPose, Point2D, Pose2D

_NUMBERS = (0.0, -1.0, 0.5, 1.0, 320.0, 1e300, -1e300, math.inf, -math.inf, math.nan)
_TEXTS = ("", "the red cup", "8", "\n", "<object>", "é" * 40, "x" * 5000, "\x07", "base", "camera_optical_frame")


class Wild:
    """The same messages for the same seed."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def event(self):
        return TargetEvent(kind=self._byte(), target=self.target(), sightings=self._count(), misses=self._count())

    def grasp(self):
        return Grasp.Goal(target=self.target())

    def grasp_result(self):
        return Grasp.Result(
            reason=self._reason(),
            succeeded=bool(self._few()),
            motion=self._byte(),
            motion_phase=self._byte(),
            motion_duration=Duration(sec=self._int32(), nanosec=self._count()),
            message=self._text(),
        )

    def result(self):
        return Ground.Result(reason=self._reason(), grounding=self.grounding())

    def grounding(self):
        return Grounding(
            header=self._header(),
            image_width=self._count(),
            image_height=self._count(),
            phrase=self._text(),
            status=self._byte(),
            reason=self._reason(),
            count=self._byte(),
            presence=self._number(),
            probability_kind=self._byte(),
            question=self._text(),
            candidates=[self._candidate() for _ in range(self._few())],
            clauses=[self._clause() for _ in range(self._few())],
            targets=[self.target() for _ in range(self._few())],
            target_reason=self._reason(),
            image_age=Duration(sec=self._int32(), nanosec=self._count()),
            model=self._text(),
            timings=[Timing(stage=self._text(), duration_ms=self._number()) for _ in range(self._few())],
        )

    def target(self):
        x, y, z, a, b, c, w = (self._number() for _ in range(7))
        return Target3D(
            header=self._header(),
            id=self._text(),
            phrase=self._text(),
            probability=self._number(),
            pose=Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=a, y=b, z=c, w=w)),
            size=Vector3(x=self._number(), y=self._number(), z=self._number()),
            extent_m=[self._number(), self._number()],
            yaw_rad=self._number(),
            covariance_m2=[self._number() for _ in range(9)],
            support_height_m=self._number(),
            points=self._count(),
            candidate=self._count(),
            bbox=self._box(),
            image_width=self._count(),
            image_height=self._count(),
        )

    def _candidate(self):
        hypothesis = ObjectHypothesis(class_id=self._text(), score=self._number())
        results = [ObjectHypothesisWithPose(hypothesis=hypothesis)] if self._few() else []
        return Detection2D(results=results, bbox=self._box(), id=self._text())

    def _clause(self):
        return Clause(
            words=self._text(), relation=self._text(), anchor=self._text(), anchor_found=bool(self._few()),
            anchor_bbox=self._box(), state=self._byte(), geometry=self._byte(),
        )  # fmt: skip

    def _box(self):
        centre = Pose2D(position=Point2D(x=self._number(), y=self._number()), theta=self._number())
        return BoundingBox2D(center=centre, size_x=self._number(), size_y=self._number())

    def _header(self):
        return Header(stamp=Time(sec=self._int32(), nanosec=self._count()), frame_id=self._text())

    def _reason(self):
        # Mostly none: a reason would hide what else is wrong.
        code = self._random.choice((0, 0, 0, 206, 404, 65535))
        return Reason(code=code, name=self._text(), message=self._text())

    def _number(self):
        return self._random.choice(_NUMBERS)

    def _text(self):
        return self._random.choice(_TEXTS)

    def _byte(self):
        return self._random.choice((0, 1, 2, 3, 4, 255))

    def _count(self):
        return self._random.choice((0, 1, 480, 640, 2**32 - 1))

    def _int32(self):
        return self._random.choice((0, 1, -1, 2**31 - 1, -(2**31)))

    def _few(self):
        return self._random.choice((0, 1, 2))
