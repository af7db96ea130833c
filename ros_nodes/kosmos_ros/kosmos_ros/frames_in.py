"""The newest picture and what belongs to it: thread-safe, newest only, no queue. No rclpy here.

Messages are kept as they came; whoever needs the pixels decodes them, off the executor's threads.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from kosmos_agent.errors import CancelledError, InvalidImageError, NoDepthImageError, NoImageError, StaleImageError
from kosmos_ros import stamps
from kosmos_ros.errors import ClockSkewError, NoCameraInfoError, NoClockError

DEPTHS_KEPT = 10
MAX_MESSAGE_BYTES = 256_000_000
JUMP_BACK_NS = stamps.NS_PER_S
"""A picture stamped earlier than the last one by more than this comes from another run of the clock."""
SLICE_S = 0.05
"""How often a wait looks whether it is still wanted."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A colour picture as it came. number: counts up from 1 and never again."""

    message: Image | CompressedImage
    stamp_ns: int
    number: int


class FrameStore:
    """on_new: called without the lock after each colour picture."""

    def __init__(self, on_new: Callable[[], None] = lambda: None) -> None:
        self._on_new = on_new
        self._changed = threading.Condition()
        self._shot: Shot | None = None
        self._depths: deque[Image] = deque(maxlen=DEPTHS_KEPT)
        self._info: CameraInfo | None = None
        self._number = 0

    def add_colour(self, message: Image | CompressedImage) -> bool:
        """Whether time went back, and all from before it was dropped. InvalidImageError: more bytes than any picture.

        A picture that was overtaken on its way by a newer one is passed over.
        """
        _check_bytes(message)
        stamp_ns = stamps.stamp_ns(message.header.stamp)
        with self._changed:
            last_ns = None if self._shot is None else self._shot.stamp_ns
            back = last_ns is not None and stamp_ns < last_ns - JUMP_BACK_NS
            if last_ns is not None and stamp_ns < last_ns and not back:
                return False
            if back:
                self._clear()
            self._number += 1
            self._shot = Shot(message, stamp_ns, self._number)
            self._changed.notify_all()
        self._on_new()
        return back

    def add_depth(self, message: Image) -> None:
        """InvalidImageError: more bytes than any picture."""
        _check_bytes(message)
        with self._changed:
            self._depths.append(message)
            self._changed.notify_all()

    def add_info(self, message: CameraInfo) -> None:
        with self._changed:
            self._info = message
            self._changed.notify_all()

    def clear(self) -> None:
        """Forgets pictures and depth; the camera stays the camera."""
        with self._changed:
            self._clear()

    @property
    def number(self) -> int:
        """Of the newest picture; 0 before the first."""
        with self._changed:
            return 0 if self._shot is None else self._shot.number

    @property
    def seen(self) -> int:
        """Colour pictures taken in since the start."""
        with self._changed:
            return self._number

    def newest(self, now_ns: int, *, max_age_s: float, max_skew_s: float) -> Shot:
        """NoClockError, NoImageError, StaleImageError (also where the stamp was never set), ClockSkewError."""
        if now_ns <= 0:
            raise NoClockError("the clock stands at 0: use_sim_time is set and nothing comes on /clock")
        with self._changed:
            shot = self._shot
        if shot is None:
            raise NoImageError("no picture has arrived; is the camera running, and is image_raw remapped to it?")
        if shot.stamp_ns <= 0:
            raise StaleImageError("the picture carries no stamp, so its age is unknown; valid: when it was taken")
        age_s = (now_ns - shot.stamp_ns) / stamps.NS_PER_S
        if age_s < -max_skew_s:
            raise ClockSkewError(
                f"the picture is stamped {-age_s:.3g} s in the future; valid: at most {max_skew_s:g} s. "
                "Do both machines keep the same time, and is use_sim_time the same?"
            )
        if age_s > max_age_s:
            raise StaleImageError(f"the newest picture is {age_s:.3g} s old; valid: at most {max_age_s:g} s")
        return shot

    def wait_fresh(
        self,
        now_ns: Callable[[], int],
        timeout_s: float,
        should_stop: Callable[[], bool],
        *,
        max_age_s: float,
        max_skew_s: float,
    ) -> Shot:
        """`newest`, tried again for at most `timeout_s` while there is none or it is stale; CancelledError.

        A clock that has not begun is waited for until `should_stop`: a simulation may take its time to start.
        """
        waited_s = 0.0
        while True:
            try:
                return self.newest(now_ns(), max_age_s=max_age_s, max_skew_s=max_skew_s)
            except NoClockError as error:
                missing = str(error)
            except (NoImageError, StaleImageError) as error:
                if waited_s >= timeout_s:
                    raise
                missing = str(error)
                waited_s += SLICE_S
            if should_stop():
                raise CancelledError(f"stopped while it waited for a picture: {missing}")
            with self._changed:
                self._changed.wait(SLICE_S)

    def depth_for(self, shot: Shot, slop_s: float, wait_s: float) -> Image:
        """The depth picture taken nearest to it; NoDepthImageError where none comes within the slop."""
        with self._changed:
            self._changed.wait_for(lambda: self._matching(shot, slop_s) is not None, wait_s)
            found = self._matching(shot, slop_s)
            if found is not None:
                return found
            offsets = [_offset_ns(depth, shot) for depth in self._depths]
        if not offsets:
            raise NoDepthImageError("no depth picture has arrived; is depth/image_rect remapped to the camera's?")
        raise NoDepthImageError(
            f"the nearest depth picture is {min(offsets) / 1e6:.1f} ms from the picture; valid: {slop_s * 1e3:g} ms "
            "(sync_slop_sec)"
        )

    def info(self, wait_s: float) -> CameraInfo:
        """NoCameraInfoError where none has come."""
        with self._changed:
            self._changed.wait_for(lambda: self._info is not None, wait_s)
            if self._info is None:
                raise NoCameraInfoError("no camera_info has arrived; is camera_info remapped to the camera's?")
            return self._info

    @property
    def has_depth(self) -> bool:
        with self._changed:
            return bool(self._depths)

    def _matching(self, shot: Shot, slop_s: float) -> Image | None:
        best = min(self._depths, key=lambda depth: _offset_ns(depth, shot), default=None)
        within = best is not None and _offset_ns(best, shot) <= slop_s * stamps.NS_PER_S
        return best if within else None

    def _clear(self) -> None:
        self._shot = None
        self._depths.clear()


def _offset_ns(depth: Image, shot: Shot) -> int:
    return abs(stamps.stamp_ns(depth.header.stamp) - shot.stamp_ns)


def _check_bytes(message: Image | CompressedImage) -> None:
    if len(message.data) > MAX_MESSAGE_BYTES:
        raise InvalidImageError(f"a picture of {len(message.data)} bytes; valid: at most {MAX_MESSAGE_BYTES}")
