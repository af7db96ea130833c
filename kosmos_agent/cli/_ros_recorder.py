"""Keeps what a camera's topic carries: the pictures of late, to be asked for by stamp, and frames for a film."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Self

from kosmos_ros import qos, stamps
from kosmos_ros.images import rgb_from_image
from kosmos_ros.session import Session, Unless
from PIL import Image
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from sensor_msgs.msg import Image as ImageMessage

from kosmos_agent.cli._film import Reel
from kosmos_agent.errors import NoImageError
from kosmos_agent.robot.planner import Phase

MAX_KEPT = 100
"""Pictures from before the arm moves, 92 MB at 640 x 480: an answer comes well within them."""
_TIMEOUT_S = 30.0


class Recorder:
    """unless: why waiting for a picture would be no use (`Session.until`)."""

    def __init__(self, session: Session, topic: str, reel: Reel, unless: Unless) -> None:
        self._session, self._topic, self._reel, self._unless = session, topic, reel, unless
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, ImageMessage] = OrderedDict()
        self._last: ImageMessage | None = None
        self._count = 0

    def __enter__(self) -> Self:
        # Frames of a film come in order, one after the other.
        self._subscription = self._session.node.create_subscription(
            ImageMessage,
            self._topic,
            self._heard,
            qos.profile("sensor_in"),
            callback_group=MutuallyExclusiveCallbackGroup(),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._session.node.destroy_subscription(self._subscription)

    def begin(self, phase: Phase) -> None:
        """The arm does something else from now on."""
        with self._lock:
            if self._last is not None:
                self._reel.begin(phase, picture_of(self._last))

    def newest(self) -> Image.Image:
        """A picture that comes after this call; NoImageError: none does."""
        seen = self._count
        if not self._session.until(lambda: self._count > seen + 1, _TIMEOUT_S, self._unless):
            raise NoImageError(f"no picture on {self._topic} within {_TIMEOUT_S:g} s")
        with self._lock:
            return picture_of(self._last)

    def at(self, stamp_ns: int | None) -> Image.Image:
        """The picture of that stamp, or, where it is not kept (None: there was none), the last before the motion."""
        with self._lock:
            message = self._kept.get(stamp_ns or 0) or next(reversed(self._kept.values()), self._last)
        if message is None:
            raise NoImageError(f"no picture has come on {self._topic}")
        return picture_of(message)

    def _heard(self, message: ImageMessage) -> None:
        with self._lock:
            self._last = message
            self._count += 1
            if self._reel.rolling_now:
                self._reel.add(picture_of(message))
                return
            self._kept[stamps.stamp_ns(message.header.stamp)] = message
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)


def picture_of(message: ImageMessage) -> Image.Image:
    """InvalidImageError where it is none."""
    return Image.fromarray(rgb_from_image(message))
