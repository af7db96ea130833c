"""A camera process of the ROS benchmark: one picture again and again at a set rate, each stamped when it is sent.

Prints one JSON object when all are sent, or when told to end by SIGINT.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time

import numpy as np
import rclpy
from kosmos_ros import images, qos, stamps
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image

PATIENCE_S = 60.0
SETTLE_S, LINGER_S = 1.0, 2.0
"""Both sides of a match learn of it in their own time; what was sent last is still on its way when a process ends."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", help=".npy file, (H, W, 3) uint8")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--rate-hz", type=float, required=True)
    options = parser.parse_args()
    end = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: end.set())
    rgb = np.load(options.picture, allow_pickle=False)
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("bench_camera")
    publisher = node.create_publisher(Image, "/camera/image_raw", qos.profile("sensor_out"))
    deadline_s = time.monotonic() + PATIENCE_S
    while not publisher.get_subscription_count() and time.monotonic() < deadline_s and not end.is_set():
        time.sleep(0.05)
    end.wait(SETTLE_S)
    sent, late, start_s = 0, 0, time.monotonic()
    message = images.image_message(rgb, stamps.header("camera_optical_frame", 1))
    while sent < options.count:
        due_s = start_s + sent / options.rate_hz
        if end.wait(max(0.0, due_s - time.monotonic())):
            break
        late += time.monotonic() - due_s > 1 / options.rate_hz
        message.header.stamp = stamps.time_message(time.time_ns())
        publisher.publish(message)
        sent += 1
    elapsed_s = time.monotonic() - start_s
    print(json.dumps({"sent": sent, "late": late, "rate_hz": sent / max(elapsed_s, 1e-9)}), flush=True)
    end.wait(LINGER_S)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
