"""A graph of its own for each test file: real rclpy over loopback, found by nobody else."""

import os
import time
from contextlib import contextmanager

import rclpy
from rclpy.executors import SingleThreadedExecutor
from ros_domain import own_domain_id


@contextmanager
def graph(tmp_path, arguments=()):
    """An rclpy context and an executor in it; all nodes added to the executor are gone afterwards."""
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_LOG_DIR"] = str(tmp_path)
    context = rclpy.Context()
    rclpy.init(args=list(arguments), context=context, domain_id=own_domain_id())
    executor = SingleThreadedExecutor(context=context)
    try:
        yield context, executor
    finally:
        for node in executor.get_nodes():
            node.destroy_node()
        executor.shutdown()
        rclpy.shutdown(context=context)


def spin_until(executor, condition, timeout_s=20.0):
    """Whether it came true; generous, because it ends as soon as it does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        executor.spin_once(timeout_sec=0.02)
    return True
