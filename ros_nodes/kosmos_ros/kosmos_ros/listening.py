"""What a graph says within a few seconds: its clock, diagnostics, the camera's headers and frames."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo

from kosmos_ros import qos, stamps
from kosmos_ros.session import Session
from kosmos_ros.tf_listener import TransformListener
from kosmos_ros.transforms import TransformBuffer

MAX_STATUSES = 64


class Heard:
    """clocks_ns: stamps on /clock in the order of their coming. statuses: the newest of each name. cameras: of each
    topic the newest header, and the age of its stamp when it came, s, by the clock that nodes go by."""

    def __init__(self) -> None:
        self.clocks_ns: list[int] = []
        self.went_back = False
        self.statuses: dict[str, DiagnosticStatus] = {}
        self.cameras: dict[str, CameraInfo] = {}
        self.ages_s: dict[str, float] = {}
        self.transforms = TransformBuffer()

    def now_ns(self, *, simulated: bool) -> int | None:
        """None: the clock that was asked for has not said anything."""
        if not simulated:
            return time.time_ns()
        return self.clocks_ns[-1] if self.clocks_ns else None

    def clock(self, message: Clock) -> None:
        stamp_ns = stamps.stamp_ns(message.clock)
        if self.clocks_ns and stamp_ns < self.clocks_ns[-1]:
            self.went_back = True
        # The first and the last tell all that is asked.
        self.clocks_ns = [*self.clocks_ns[:1], stamp_ns]

    def diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status[:MAX_STATUSES]:
            if len(self.statuses) < MAX_STATUSES or status.name in self.statuses:
                self.statuses[status.name] = status

    def camera(self, topic: str, message: CameraInfo, *, simulated: bool) -> None:
        self.cameras[topic] = message
        now_ns = self.now_ns(simulated=simulated)
        if now_ns is not None:
            self.ages_s[topic] = (now_ns - stamps.stamp_ns(message.header.stamp)) / stamps.NS_PER_S


@contextmanager
def listening(session: Session, camera_topics: list[str], *, simulated: bool) -> Iterator[Heard]:
    """Collects on the session's threads while inside. simulated: the nodes go by /clock."""
    heard, node = Heard(), session.node
    wanted: list[tuple[Any, str, Any, qos.Role]] = [
        (Clock, "/clock", heard.clock, "clock"),
        (DiagnosticArray, "/diagnostics", heard.diagnostics, "sensor_in"),
    ]
    for topic in camera_topics:

        def take(message: CameraInfo, topic: str = topic) -> None:
            heard.camera(topic, message, simulated=simulated)

        wanted.append((CameraInfo, topic, take, "sensor_in"))
    subscriptions = [
        node.create_subscription(kind, topic, callback, qos.profile(role), callback_group=session.group)
        for kind, topic, callback, role in wanted
    ]
    listener = TransformListener(node, heard.transforms, group=session.group)
    try:
        yield heard
    finally:
        listener.close()
        for subscription in subscriptions:
            node.destroy_subscription(subscription)
