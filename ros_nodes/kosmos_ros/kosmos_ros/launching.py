"""The graph for `ros2 launch`: the same description, its parameters from files that users edit.

`launch` comes with an installed ROS 2 and not with the wheels: only the launch files import this.
"""

from __future__ import annotations

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, EmitEvent, RegisterEventHandler, SetEnvironmentVariable
from launch.event_handlers import OnProcessStart
from launch.events import matches_action
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

from kosmos_ros.environment import PROFILE_FILE, profile_path
from kosmos_ros.graph import Graph, NodeSpec

PACKAGE, PARAMS_FILE = "kosmos_ros", "params_file"
RESPAWN_DELAY_S = 2.0


def described(graph: Graph, config: str) -> LaunchDescription:
    """config: a file of `config/`, which holds the parameters of the graph's nodes; `params_file:=` names another."""
    ours = Path(get_package_share_directory(PACKAGE)) / "config" / config
    actions: list[Action] = [
        DeclareLaunchArgument(PARAMS_FILE, default_value=str(ours), description="parameters of all nodes")
    ]
    if PROFILE_FILE not in os.environ:
        actions.append(SetEnvironmentVariable(PROFILE_FILE, str(profile_path())))
    for spec in graph.nodes:
        node = _node(spec)
        actions.append(node)
        if spec.lifecycle:
            actions += _brought_up(node)
    return LaunchDescription(actions)


def _node(spec: NodeSpec) -> Action:
    kind = LifecycleNode if spec.lifecycle else Node
    return kind(
        package=PACKAGE,
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace,
        parameters=[LaunchConfiguration(PARAMS_FILE)],
        remappings=list(spec.remappings.items()),
        output="screen",
        respawn=True,
        respawn_delay=RESPAWN_DELAY_S,
    )


def _brought_up(node: Action) -> list[Action]:
    """Each time that its process starts it is configured, and then activated."""
    configure, activate = (
        EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition))
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)
    )
    return [
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=node, start_state="configuring", goal_state="inactive", entities=[activate]
            )
        ),
        RegisterEventHandler(OnProcessStart(target_action=node, on_start=[configure])),
    ]
