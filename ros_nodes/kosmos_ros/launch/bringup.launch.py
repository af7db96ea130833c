"""The nodes for a real camera: `ros2 launch kosmos_ros bringup.launch.py`. Parameters: config/bringup.yaml."""

from kosmos_ros.graph import camera_graph
from kosmos_ros.launching import described
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    return described(camera_graph(), "bringup.yaml")
