"""How a node runs as a program: told to end by signals, spun on a thread beside the main one, with an exit status."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import rclpy
from rclpy.exceptions import InvalidHandle, InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from kosmos_agent.errors import KosmosAgentError

THREADS = 4
FINISH_S = 2.0
NOT_STARTED = 2


def run_program(name: str, work: Callable[[threading.Event], int], arguments: Sequence[str] | None) -> int:
    """The status that `work` gives, which must return soon after the event: SIGINT or SIGTERM set it.

    2, and one line on stderr, where it could not start.
    """
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    # Our own handlers: rclpy's would take the context away while there is still something to end and to tell.
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    try:
        return work(end)
    except (KosmosAgentError, InvalidParameterValueException, InvalidParameterTypeException) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return NOT_STARTED
    finally:
        rclpy.shutdown()


@contextmanager
def spun(
    *nodes: Node, threads: int = THREADS, on_stop: Callable[[], None] = lambda: None
) -> Iterator[MultiThreadedExecutor]:
    """The nodes' callbacks run meanwhile, so that the main thread is free to hear signals.

    on_stop: called when the spinning ends, also by an error of a callback, which is raised afterwards.
    """
    executor = MultiThreadedExecutor(threads, context=nodes[0].context)
    for node in nodes:
        executor.add_node(node)
    # A future ends the spinning: `shutdown` takes away what the executor may be about to wait for.
    enough, errors = Future(), list[BaseException]()

    def spin() -> None:
        try:
            _spin_until(executor, enough)
        except BaseException as error:  # noqa: BLE001  # raised on the thread that waits
            errors.append(error)
        finally:
            on_stop()

    spinning = threading.Thread(target=spin, name="executor", daemon=True)
    spinning.start()
    try:
        yield executor
    finally:
        enough.set_result(None)
        spinning.join()
        executor.shutdown(FINISH_S)
        if errors:
            raise errors[0]


def _spin_until(executor: MultiThreadedExecutor, enough: Future) -> None:
    while not enough.done():
        try:
            executor.spin_until_future_complete(enough)
        except InvalidHandle:
            # What one thread destroys, another may be about to wait for.
            continue
