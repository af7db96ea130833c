"""Feeds a TransformBuffer from /tf and /tf_static, and clears it when time jumps back."""

from __future__ import annotations

from collections.abc import Callable

from geometry_msgs.msg import TransformStamped
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from tf2_msgs.msg import TFMessage

from kosmos_ros import qos
from kosmos_ros.clocks import on_jump_back
from kosmos_ros.errors import BadTransformError
from kosmos_ros.poses import Pose
from kosmos_ros.stamps import stamp_ns
from kosmos_ros.transforms import TransformBuffer

MAX_TRANSFORMS_PER_MESSAGE = 1024


def add_message(buffer: TransformBuffer, message: TFMessage, *, static: bool) -> list[BadTransformError]:
    """Takes in what is sound of a message; the rest comes back, one error for each transform."""
    refused: list[BadTransformError] = []
    for transform in message.transforms[:MAX_TRANSFORMS_PER_MESSAGE]:
        try:
            _add(buffer, transform, static)
        except BadTransformError as error:
            refused.append(error)
    return refused


class TransformListener:
    """on_refused: told of each malformed transform, in words; it runs on the executor's thread.

    Give it a callback group of its own (reentrant), so that a callback that waits for a transform does not keep the
    transform from arriving.
    """

    def __init__(
        self,
        node: Node,
        buffer: TransformBuffer,
        *,
        group: CallbackGroup | None = None,
        on_refused: Callable[[BadTransformError], None] | None = None,
    ) -> None:
        self._node, self._buffer, self._on_refused = node, buffer, on_refused
        self._subscriptions = [
            node.create_subscription(TFMessage, "/tf", self._moving, qos.profile("tf"), callback_group=group),
            node.create_subscription(
                TFMessage, "/tf_static", self._static, qos.profile("tf_static"), callback_group=group
            ),
        ]
        self._jump_handle = on_jump_back(node.get_clock(), buffer.clear, on_change=True)

    def close(self) -> None:
        """Stops listening; the buffer keeps what it has."""
        self._jump_handle.unregister()
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _moving(self, message: TFMessage) -> None:
        self._take(message, static=False)

    def _static(self, message: TFMessage) -> None:
        self._take(message, static=True)

    def _take(self, message: TFMessage, *, static: bool) -> None:
        for error in add_message(self._buffer, message, static=static):
            if self._on_refused is not None:
                self._on_refused(error)


def _add(buffer: TransformBuffer, transform: TransformStamped, static: bool) -> None:
    move, turn = transform.transform.translation, transform.transform.rotation
    parent, child = transform.header.frame_id, transform.child_frame_id
    pose = Pose.checked(
        (move.x, move.y, move.z), (turn.x, turn.y, turn.z, turn.w), f"{child[:64]!r} in {parent[:64]!r}"
    )
    buffer.add(parent, child, pose, stamp_ns(transform.header.stamp), static=static)
