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
from rclpy.exceptions import InvalidHandle
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, ShutdownException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from kosmos_ros.errors import GoalTimeoutError, NoServerError, ProcessEndedError

SERVER_TIMEOUT_S = 10.0
_POLL_S = 0.05

Unless = Callable[[], str | None]
"""Why there is no use in waiting any longer, in words; None: go on."""


def never() -> str | None:
    """Always worth waiting for."""
    return None


class Session:
    """node: callbacks run on the session's threads; clients and subscriptions made on it want `group`."""

    def __init__(self, node: Node) -> None:
        self.node, self.group = node, ReentrantCallbackGroup()

    def until(self, ready: Callable[[], bool], timeout_s: float, unless: Unless = never) -> bool:
        """Whether it came true in time; ProcessEndedError with the words of `unless`."""
        deadline_s = time.monotonic() + timeout_s
        while not ready():
            if (reason := unless()) is not None:
                raise ProcessEndedError(reason)
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_POLL_S)
        return True

    def result(self, future: Future, timeout_s: float, what: str, unless: Unless = never) -> Any:
        """GoalTimeoutError names `what` was waited for; ProcessEndedError as in `until`."""
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
    node = Node(
        f"kosmos_agent_{os.getpid()}",
        context=context,
        use_global_arguments=False,
        start_parameter_services=False,
        enable_rosout=False,
    )
    executor = MultiThreadedExecutor(2, context=context)
    executor.add_node(node)
    spinning = threading.Thread(target=_spin, args=(executor, context), name="session", daemon=True)
    spinning.start()
    try:
        yield Session(node)
    finally:
        executor.shutdown()
        rclpy.shutdown(context=context)
        spinning.join()
        node.destroy_node()


def _spin(executor: MultiThreadedExecutor, context: rclpy.Context) -> None:
    """Until the context is shut down."""
    while context.ok():
        try:
            executor.spin_once()
        except InvalidHandle:
            # rclpy ends `spin` when a client or a subscription is destroyed while it is about to wait for it.
            continue
        except (ExternalShutdownException, ShutdownException):
            return
