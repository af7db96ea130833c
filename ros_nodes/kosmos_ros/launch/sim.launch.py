"""The nodes with the simulated robot: `ros2 launch kosmos_ros sim.launch.py`. Parameters: config/sim.yaml."""

from kosmos_ros.graph import simulated_graph
from kosmos_ros.launching import described
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    return described(simulated_graph(), "sim.yaml")
