"""Waits in a coroutine of an executor for what another thread works on, so that no thread of the executor is held."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TypeVar

from rclpy.node import Node
from rclpy.task import Future as RosFuture

T = TypeVar("T")


async def finished(node: Node, future: Future[T]) -> T:
    """The future's result, or its error. For callbacks of `node` alone."""
    executor, done = node.executor, RosFuture()

    def tell(_: Future[T]) -> None:
        done.set_result(None)
        # A coroutine goes on when its executor next looks; nothing else might wake it.
        if executor is not None:
            executor.wake()

    future.add_done_callback(tell)
    await done
    return future.result()
