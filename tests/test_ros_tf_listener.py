"""Transforms through real topics, and time that jumps back."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from kosmos_ros import qos, stamps
from kosmos_ros.errors import UnknownFrameError
from kosmos_ros.tf_listener import TransformListener, add_message
from kosmos_ros.transforms import TransformBuffer
from rclpy.parameter import Parameter
from ros_graph import graph, spin_until
from rosgraph_msgs.msg import Clock
from tf2_msgs.msg import TFMessage

S = 1_000_000_000


def transform(parent, child, x_m, stamp_ns, w=1.0):
    return TransformStamped(
        header=stamps.header(parent, stamp_ns),
        child_frame_id=child,
        transform=Transform(translation=Vector3(x=x_m), rotation=Quaternion(w=w)),
    )


def test_what_is_sound_of_a_message_is_taken_and_the_rest_named():
    buffer = TransformBuffer()
    message = TFMessage(
        transforms=[
            transform("map", "base", 1.0, S),
            transform("map", "bad", 1.0, S, w=0.0),
            transform("", "camera", 1.0, S),
            transform("base", "camera", float("nan"), S),
            transform("base", "camera", 2.0, S),
        ]
    )
    refused = add_message(buffer, message, static=False)
    words = ["quaternion of 'bad' in 'map'", "transform from 'camera' to ''", "'camera' in 'base' holds"]
    assert [word in str(error) for word, error in zip(words, refused, strict=True)] == [True] * 3
    assert buffer.lookup("map", "camera", S)[0, 3] == 3


def test_a_late_joiner_gets_static_transforms_and_a_jump_back_clears_the_moving_ones(tmp_path):
    with graph(tmp_path) as (context, executor):
        sender = rclpy.create_node("sender", context=context)
        static = sender.create_publisher(TFMessage, "/tf_static", qos.profile("tf_static"))
        moving = sender.create_publisher(TFMessage, "/tf", qos.profile("tf"))
        clock = sender.create_publisher(Clock, "/clock", 10)
        static.publish(TFMessage(transforms=[transform("base", "camera", 0.5, 0)]))

        buffer, refused = TransformBuffer(), []
        simulated = [Parameter("use_sim_time", Parameter.Type.BOOL, True)]
        receiver = rclpy.create_node("receiver", context=context, parameter_overrides=simulated)
        listener = TransformListener(receiver, buffer, on_refused=refused.append)
        executor.add_node(sender)
        executor.add_node(receiver)
        assert spin_until(executor, lambda: moving.get_subscription_count() and clock.get_subscription_count())

        def tick(seconds):
            clock.publish(Clock(clock=stamps.time_message(int(seconds * S))))
            return spin_until(executor, lambda: receiver.get_clock().now().nanoseconds == int(seconds * S))

        assert tick(100)
        sent = [transform("map", "base", 1.0, 100 * S), transform("map", "base", 2.0, 101 * S)]
        moving.publish(TFMessage(transforms=[*sent, transform("map", "bad", 1.0, S, w=0.0)]))
        assert spin_until(executor, lambda: {"map", "camera"} <= set(buffer.frames) and refused)
        found = buffer.lookup("map", "camera", 100 * S + S // 2)
        np.testing.assert_allclose(found[:3, 3], (2.0, 0, 0))

        assert tick(3)
        with pytest.raises(UnknownFrameError, match="'map'"):
            buffer.lookup("map", "camera", 100 * S)
        assert buffer.lookup("base", "camera", 3 * S)[0, 3] == 0.5, "static transforms hold whatever the clock does"
        listener.close()
