"""A camera of the graph behind `kosmos_agent.skills.CameraSource`: pictures of a topic, with depth and pose where
there are any."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any

from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from kosmos_agent.errors import InvalidImageError, KosmosAgentError, NoImageError, StaleImageError
from kosmos_agent.skills.camera import DepthShot, Shot
from kosmos_ros import frames_in, qos, stamps
from kosmos_ros.errors import ClockSkewError
from kosmos_ros.frames_in import FrameStore
from kosmos_ros.images import Rgb, rgb_from_compressed, rgb_from_image
from kosmos_ros.metres import depth_of
from kosmos_ros.session import Session, open_session
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.tf_listener import TransformListener
from kosmos_ros.transforms import TransformBuffer

_AGE_IS_JUDGED_LATER_S = 1e9
"""Whoever asks for a picture is told its age and knows what is too old."""
_SLICE_S = 0.1


class RosCamera:
    """Subscribes on the session's node. A topic that ends in `/compressed` is a compressed one.

    depth: None: pictures alone, without camera_info and tf. simulated: ages by /clock. settings: of the grounding node;
    those about pictures, depth and frames count. Without what depth needs a picture comes without it, and the log says
    why. closing: where to put what `close` undoes.
    """

    live = True

    def __init__(
        self,
        session: Session,
        image: str = "image_raw",
        *,
        camera_info: str = "camera_info",
        depth: str | None = "depth/image_rect",
        simulated: bool = False,
        settings: GroundingSettings | None = None,
        closing: ExitStack | None = None,
    ) -> None:
        self.name = f"the topic {image}"
        self._session, self._settings = session, settings or GroundingSettings.checked({})
        self._news, self._lock, self._closing = threading.Event(), threading.Lock(), closing or ExitStack()
        self._store, self._transforms = FrameStore(self._news.set), TransformBuffer(self._settings.tf_history_sec)
        self._has_depth, self._refused = depth is not None, ""
        self._decoded: tuple[int, Shot] | None = None
        if simulated:
            session.node.set_parameters([Parameter("use_sim_time", value=True)])
        self._subscribe(CompressedImage if image.endswith("/compressed") else Image, image, self._colour)
        if depth is not None:
            self._subscribe(CameraInfo, camera_info, self._store.add_info)
            self._subscribe(Image, depth, self._store.add_depth)
            listener = TransformListener(session.node, self._transforms, group=session.group)
            self._closing.callback(listener.close)

    @classmethod
    def open(cls, image: str = "image_raw", *, domain_id: int | None = None, **options: Any) -> RosCamera:
        """On a node of its own, which `close` takes away again."""
        with ExitStack() as stack:
            camera = cls(stack.enter_context(open_session(domain_id)), image, closing=stack, **options)
            # Kept open; the stack unwinds from its end, so the node goes after all that stands on it.
            camera._closing = stack.pop_all()
            return camera

    def newest(self, after_ns: int | None = None, timeout_s: float = 5.0) -> Shot:
        """See `CameraSource.newest`. Also InvalidImageError (a picture that cannot be read), ClockSkewError and
        ProcessEndedError (nothing is heard any more)."""
        end_s = time.monotonic() + timeout_s
        while True:
            self._news.clear()
            try:
                return self._shot(self._newer(after_ns))
            except (NoImageError, StaleImageError, ClockSkewError):
                if time.monotonic() >= end_s:
                    raise
            self._session.check(lambda: None)
            self._news.wait(max(min(_SLICE_S, end_s - time.monotonic()), 0.0))

    def close(self) -> None:
        self._closing.close()

    def _newer(self, after_ns: int | None) -> frames_in.Shot:
        shot = self._store.newest(
            self._now_ns(), max_age_s=_AGE_IS_JUDGED_LATER_S, max_skew_s=self._settings.max_clock_skew_sec
        )
        if after_ns is not None and shot.stamp_ns <= after_ns:
            raise NoImageError(f"{self.name} gave no newer picture")
        return shot

    def _shot(self, taken: frames_in.Shot) -> Shot:
        with self._lock:
            if self._decoded is None or self._decoded[0] != taken.number:
                message = taken.message
                rgb = rgb_from_compressed(message) if isinstance(message, CompressedImage) else rgb_from_image(message)
                shot = Shot(rgb, taken.stamp_ns, 0.0, message.header.frame_id, self._depth(taken, rgb))
                self._decoded = taken.number, shot
            known = self._decoded[1]
        age_s = max((self._now_ns() - taken.stamp_ns) / stamps.NS_PER_S, 0.0)
        return Shot(known.rgb, known.stamp_ns, age_s, known.frame_id, known.depth)

    def _depth(self, taken: frames_in.Shot, rgb: Rgb) -> DepthShot | None:
        if not self._has_depth:
            return None
        settings, size_px = self._settings, (rgb.shape[1], rgb.shape[0])
        try:
            depth = depth_of(
                taken, size_px, settings.target_frame, self._store, self._transforms, settings, patient=True
            )
        except KosmosAgentError as error:
            # What is asked in the picture alone can be answered; what needs metres says that there are none.
            self._warn(f"no depth with the picture: {error.code}: {error}")
            return None
        return DepthShot(depth.depth_m, depth.camera, depth.T_base_camera, depth.frame_id)

    def _subscribe(self, kind: Any, topic: str, take: Any) -> None:
        node = self._session.node
        heard = node.create_subscription(
            kind, topic, take, qos.profile("sensor_in"), callback_group=self._session.group
        )
        self._closing.callback(node.destroy_subscription, heard)

    def _colour(self, message: Image | CompressedImage) -> None:
        try:
            self._store.add_colour(message)
        except InvalidImageError as error:
            self._warn(str(error))

    def _warn(self, words: str) -> None:
        """Once for each reason in a row."""
        if words[:40] != self._refused:
            self._refused = words[:40]
            self._session.node.get_logger().warning(words)

    def _now_ns(self) -> int:
        return int(self._session.node.get_clock().now().nanoseconds)
