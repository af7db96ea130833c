"""Spinning beside the main thread: what ends it, and what does not."""

import threading

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from kosmos_ros.program import spun
from rclpy.exceptions import InvalidHandle
from ros_graph import graph
from std_msgs.msg import String


def ticking(context, work):
    node = rclpy.create_node("ticking", context=context)
    node.create_timer(0.005, work)
    return node


def test_a_handle_that_is_gone_does_not_end_the_spinning(tmp_path):
    calls, went_on = [], threading.Event()

    def work():
        calls.append(None)
        if len(calls) == 1:
            raise InvalidHandle("destroyed meanwhile")
        went_on.set()

    with graph(tmp_path) as (context, _):
        node = ticking(context, work)
        with spun(node):
            assert went_on.wait(20)
        node.destroy_node()


def test_any_other_error_of_a_callback_ends_it_and_is_told(tmp_path):
    stopped = threading.Event()

    def work():
        raise ZeroDivisionError("as planned")

    with graph(tmp_path) as (context, _):
        node = ticking(context, work)
        with pytest.raises(ZeroDivisionError, match="as planned"), spun(node, on_stop=stopped.set):
            assert stopped.wait(20)
        node.destroy_node()


def test_subscriptions_come_and_go_while_it_spins(tmp_path):
    with graph(tmp_path) as (context, _):
        heard = threading.Event()
        node = ticking(context, lambda: None)
        talker = node.create_publisher(String, "talk", 10)
        with spun(node):
            for _ in range(60):
                node.destroy_subscription(node.create_subscription(String, "talk", lambda _: None, 10))
            node.create_subscription(String, "talk", lambda _: heard.set(), 10)
            for _ in range(400):
                talker.publish(String(data="hello"))
                if heard.wait(0.05):
                    break
            assert heard.is_set()
        node.destroy_node()
