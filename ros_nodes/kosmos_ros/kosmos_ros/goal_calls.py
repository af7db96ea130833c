"""One goal of an action as a queue of events, so that a worker thread may follow it and never hang on it."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

EventKind = Literal["accepted", "rejected", "feedback", "ended", "forgotten"]


@dataclass(frozen=True)
class Event:
    """value: of `feedback` its message, of `ended` the result. `forgotten`: who answers never had the goal."""

    kind: EventKind
    value: Any = None


@dataclass(eq=False)
class GoalCall:
    """events: as they come, in any thread. server: who served the action when the goal was sent."""

    server: frozenset[bytes]
    events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    _handle: Any = None
    _dropped: bool = False
    _accepted: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, timeout_s: float) -> Event | None:
        """None where nothing came in time."""
        try:
            return self.events.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def drop(self) -> None:
        """Asks the server to stop; one that accepts the goal only later is asked then. Never waits."""
        with self._lock:
            self._dropped, handle = True, self._handle
        if handle is not None:
            handle.cancel_goal_async()

    def heard(self, message: Any) -> None:
        """Of the server's words while it works, which may overtake the one that it does."""
        self._accept()
        self.events.put(Event("feedback", message.feedback))

    def answered(self, future: Any) -> None:
        """Of the server's word on the goal itself."""
        handle = future.result()
        if not handle.accepted:
            self.events.put(Event("rejected"))
            return
        with self._lock:
            self._handle, dropped = handle, self._dropped
        self._accept()
        handle.get_result_async().add_done_callback(self.ended)
        if dropped:
            handle.cancel_goal_async()

    def ended(self, future: Any) -> None:
        """Of the server's answer to how the goal ended."""
        answer = future.result()
        forgotten = answer.status == GoalStatus.STATUS_UNKNOWN
        self.events.put(Event("forgotten") if forgotten else Event("ended", answer.result))

    def _accept(self) -> None:
        """Says so once, before anything else."""
        with self._lock:
            first, self._accepted = not self._accepted, True
        if first:
            self.events.put(Event("accepted"))


class GoalCaller:
    """Sends goals of one action from any thread, while an executor spins `node`.

    Make it before the node is spun: rclpy waits for a client that is half made, and ends by an AttributeError.
    """

    def __init__(self, node: Node, kind: Any, action: str) -> None:
        self._node = node
        group = MutuallyExclusiveCallbackGroup()
        self._client = ActionClient(node, kind, action, callback_group=group)
        self._status_topic = f"{node.resolve_service_name(action)}/_action/status"
        self._waiting: deque[Callable[[], None]] = deque()
        # rclpy registers a goal twice, once outside its lock: an answer that another thread takes in between is lost.
        # Sent from a callback of the client's own group, no answer can be taken meanwhile.
        self._sender = node.create_guard_condition(self._send_waiting, callback_group=group)

    def send(self, goal: Any) -> GoalCall:
        call = GoalCall(self.servers())

        def send() -> None:
            sent = self._client.send_goal_async(goal, feedback_callback=call.heard)
            sent.add_done_callback(call.answered)

        self._waiting.append(send)
        self._sender.trigger()
        return call

    def ready(self) -> bool:
        return bool(self._client.server_is_ready())

    def servers(self) -> frozenset[bytes]:
        """Who serves it, one id for each life of a server: one that was killed may be listed for some 20 s more."""
        endpoints = self._node.get_publishers_info_by_topic(self._status_topic)
        return frozenset(bytes(endpoint.endpoint_gid) for endpoint in endpoints)

    def replaced(self, call: GoalCall) -> bool:
        """Another server came up since, so that the one asked may be no more."""
        return bool(self.servers() - call.server)

    def close(self) -> None:
        self._node.destroy_guard_condition(self._sender)
        self._client.destroy()

    def _send_waiting(self) -> None:
        while self._waiting:
            self._waiting.popleft()()
