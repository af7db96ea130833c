"""A scripted grounding node as a process of its own, to be killed."""

import os
import subprocess
import sys
from pathlib import Path

from kosmos_ros.environment import for_process
from ros_domain import own_domain_id

PEER = """
import sys, rclpy
from ros_pick_peers import ScriptedGrounding, Seen
from rclpy.executors import MultiThreadedExecutor
rclpy.init()
eyes = ScriptedGrounding(rclpy.get_default_context())
eyes.script = [Seen(hold=sys.argv[1] == "hold", ids=(sys.argv[2],))]
executor = MultiThreadedExecutor(4)
executor.add_node(eyes.node)
executor.spin()
"""


def start_peer(mode, track_id):
    environment = for_process(domain_id=own_domain_id())
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen([sys.executable, "-c", PEER, mode, track_id], env=environment)
