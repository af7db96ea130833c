"""The other side of the foreign client: the grounding node itself on a camera's pictures, and the pick node's status.

Prints each picture's header and each array of detections that it hears itself, as JSON lines, until it is ended.

python ros_foreign_graph.py STATUS
"""

import json
import signal
import sys
import threading
import time

import numpy as np
import rclpy
from kosmos_ros import images, qos, stamps
from kosmos_ros.grounding_node import GroundingNode
from kosmos_ros.pick_outputs import PickOutputs
from kosmos_sim.world import Tabletop
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from ros_cyclone_words import described
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from kosmos_agent.grounder import Grounder

FRAME = "camera_optical_frame"


def say(**words):
    print(json.dumps(words), flush=True)


def table():
    with Tabletop.random(7) as world:
        return np.ascontiguousarray(world.observe().rgb), f"the {world.target.colour} {world.target.category}"


def main(status):
    end = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: end.set())
    rgb, phrase = table()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    overrides = [Parameter("phrases", value=[phrase]), Parameter("use_depth", value=False)]
    grounding = GroundingNode(load=lambda _: Grounder.load("tabletop", zoom=False), parameter_overrides=overrides)
    robot = rclpy.create_node("pick")
    pictures = robot.create_publisher(Image, "image_raw", qos.profile("sensor_out"))
    robot.create_subscription(
        Detection2DArray, "/grounding/detections", lambda heard: say(detections=described(heard)), qos.profile("output")
    )
    outputs = PickOutputs(robot, None)
    executor = MultiThreadedExecutor(4)
    for node in (grounding, robot):
        executor.add_node(node)
    spinning = threading.Thread(target=executor.spin)
    spinning.start()
    grounding.trigger_configure()
    grounding.trigger_activate()
    while not end.is_set():
        header = stamps.header(FRAME, time.time_ns())
        say(picture=[header.stamp.sec, header.stamp.nanosec])
        pictures.publish(images.image_message(rgb, header))
        outputs.say(status)
        end.wait(0.5)
    executor.shutdown()
    spinning.join()
    for node in (grounding, robot):
        node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
