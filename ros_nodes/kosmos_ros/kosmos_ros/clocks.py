"""The clock that a node goes by: what is malformed on /clock is passed over, and a jump back is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, JumpHandle, JumpThreshold
from rclpy.duration import Duration
from rclpy.subscription import Subscription
from rosgraph_msgs.msg import Clock as ClockMessage

from kosmos_ros.errors import ClockSkewError

WARNING_PERIOD_S = 5.0


class WaryClock:
    """Base, before rclpy's node, of a node whose own clock outlives what is no time: rclpy raises it to the executor,
    and the node ends."""

    def create_subscription(self, kind: Any, topic: str, callback: Any, *rest: Any, **options: Any) -> Subscription:
        """rclpy makes the one of /clock by this, whenever use_sim_time is set."""
        if kind is ClockMessage:
            callback = self._wary(callback)
        return super().create_subscription(kind, topic, callback, *rest, **options)  # type: ignore[misc]

    def bad_clock(self, error: ClockSkewError) -> None:
        """Told of each time that is none."""
        self.get_logger().warning(str(error), throttle_duration_sec=WARNING_PERIOD_S)  # type: ignore[attr-defined]

    def _wary(self, callback: Callable[[ClockMessage], None]) -> Callable[[ClockMessage], None]:
        def take(message: ClockMessage) -> None:
            if message.clock.sec < 0:
                self.bad_clock(ClockSkewError(f"/clock says {message.clock.sec} s; valid: 0 or later"))
            else:
                callback(message)

        return take


def on_jump_back(clock: Clock, callback: Callable[[], None], *, on_change: bool = False) -> JumpHandle:
    """Whoever made it must unregister it. on_change: also when the node goes over to another clock."""
    threshold = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=on_change)
    return clock.create_jump_callback(threshold, post_callback=lambda jump: callback())
