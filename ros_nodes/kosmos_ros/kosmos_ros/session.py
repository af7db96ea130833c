"""A node of our own among the others, to ask them from a plain program: it spins on a thread, waits are bounded."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from kosmos_agent.errors import GoalTimeoutError
from kosmos_ros.errors import NoServerError, ProcessEndedError
from kosmos_ros.goal_calls import GoalCaller
from kosmos_ros.program import spun

SERVER_TIMEOUT_S = 10.0
_POLL_S = 0.05

Unless = Callable[[], str | None]
"""Why there is no use in waiting any longer, in words; None: go on."""


def never() -> str | None:
    """Always worth waiting for."""
    return None


class Session:
    """node: callbacks run on the session's threads; clients and subscriptions made on it want `group`."""

    def __init__(self, node: Node, executor: MultiThreadedExecutor, stopped: threading.Event) -> None:
        self.node, self.group = node, ReentrantCallbackGroup()
        self._executor, self._stopped = executor, stopped
        self._callers: dict[tuple[Any, str], tuple[GoalCaller, Node]] = {}

    def caller(self, kind: Any, action: str) -> GoalCaller:
        """The client of an action; on a node of its own, which joins the others when it is whole (see GoalCaller).

        It is kept: a server answers only whom it has discovered, which takes a new client a moment each time.
        """
        if (kind, action) not in self._callers:
            node = _node(self.node.context, f"_asks_{len(self._callers)}")
            self._callers[kind, action] = GoalCaller(node, kind, action), node
            self._executor.add_node(node)
        return self._callers[kind, action][0]

    def close(self) -> None:
        """Once nothing spins any more."""
        for caller, node in self._callers.values():
            caller.close()
            node.destroy_node()

    def check(self, unless: Unless) -> None:
        """ProcessEndedError where waiting is of no use: with the words of `unless`, or as nothing spins any more."""
        if (reason := unless()) is not None:
            raise ProcessEndedError(reason)
        if self._stopped.is_set():
            raise ProcessEndedError("the thread that hears the answers ended")

    def until(self, ready: Callable[[], bool], timeout_s: float, unless: Unless = never) -> bool:
        """Whether it came true in time; ProcessEndedError as of `check`."""
        deadline_s = time.monotonic() + timeout_s
        while not ready():
            self.check(unless)
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_POLL_S)
        return True

    def result(self, future: Future, timeout_s: float, what: str, unless: Unless = never) -> Any:
        """GoalTimeoutError names `what` was waited for; ProcessEndedError as of `check`."""
        if not self.until(future.done, timeout_s, unless):
            future.cancel()
            raise GoalTimeoutError(f"no answer from {what} within {timeout_s:g} s")
        return future.result()

    def call(
        self,
        kind: Any,
        name: str,
        request: Any,
        timeout_s: float,
        *,
        server_timeout_s: float = SERVER_TIMEOUT_S,
        unless: Unless = never,
    ) -> Any:
        """The response of a service. NoServerError: nobody serves it; others as in `result`."""
        client = self.node.create_client(kind, name, callback_group=self.group)
        try:
            if not self.until(client.service_is_ready, server_timeout_s, unless):
                raise NoServerError(f"nobody serves {name} after {server_timeout_s:g} s; is its node running?")
            return self.result(client.call_async(request), timeout_s, name, unless)
        finally:
            self.node.destroy_client(client)


@contextmanager
def open_session(domain_id: int | None = None) -> Iterator[Session]:
    """domain_id: None: as ROS_DOMAIN_ID says. The transport is chosen by the environment as it is now."""
    context = rclpy.Context()
    # Ctrl-C stays ours: it cancels what was asked for, which needs a context that still lives.
    rclpy.init(args=[], context=context, domain_id=domain_id, signal_handler_options=SignalHandlerOptions.NO)
    node, session, stopped = _node(context, ""), None, threading.Event()
    try:
        with spun(node, threads=2, on_stop=stopped.set) as executor:
            session = Session(node, executor, stopped)
            yield session
    finally:
        if session is not None:
            session.close()
        node.destroy_node()
        rclpy.shutdown(context=context)


def _node(context: rclpy.Context, suffix: str) -> Node:
    return Node(
        f"kosmos_agent_{os.getpid()}{suffix}",
        context=context,
        use_global_arguments=False,
        start_parameter_services=False,
        enable_rosout=False,
    )
