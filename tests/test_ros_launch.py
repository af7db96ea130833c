"""The launch files and `config/` describe the graph that `ros up` starts.

`launch` itself is not among the wheels, so the files are run on a stand-in that records what they make.
"""

import importlib.util
import json
import runpy
import subprocess
import sys
import types
from pathlib import Path

import pytest
import yaml
from kosmos_ros.config_files import config_files, main
from kosmos_ros.environment import PROFILE_FILE, profile_path
from kosmos_ros.graph import SIM_TIME, camera_graph, simulated_graph
from kosmos_ros.settings_table import described

PACKAGE = Path(__file__).parents[1] / "ros_nodes" / "kosmos_ros"
GRAPHS = {"bringup": camera_graph(), "sim": simulated_graph()}
CONFIGURE, ACTIVATE = 1, 3


class Made(types.SimpleNamespace):
    """A thing that a launch file made: its kind, and what it was made with."""


def kind(name):
    return lambda *given, **named: Made(kind=name, given=given, **named)


STAND_IN = {
    "ament_index_python.packages": {"get_package_share_directory": lambda package: f"/share/{package}"},
    "launch": {"LaunchDescription": kind("LaunchDescription")},
    "launch.action": {"Action": Made},
    "launch.actions": {
        name: kind(name)
        for name in ("DeclareLaunchArgument", "EmitEvent", "RegisterEventHandler", "SetEnvironmentVariable")
    },
    "launch.event_handlers": {"OnProcessStart": kind("OnProcessStart")},
    "launch.events": {"matches_action": lambda action: ("is", action)},
    "launch.substitutions": {"LaunchConfiguration": lambda name: ("argument", name)},
    "launch_ros.actions": {name: kind(name) for name in ("LifecycleNode", "Node")},
    "launch_ros.event_handlers": {"OnStateTransition": kind("OnStateTransition")},
    "launch_ros.events.lifecycle": {"ChangeState": kind("ChangeState")},
    "lifecycle_msgs.msg": {"Transition": Made(TRANSITION_CONFIGURE=CONFIGURE, TRANSITION_ACTIVATE=ACTIVATE)},
}


@pytest.fixture(params=sorted(GRAPHS))
def launched(request, monkeypatch):
    """The graph that a launch file is for, and the actions that it makes."""
    modules = {".".join(name.split(".")[: count + 1]) for name in STAND_IN for count in range(name.count(".") + 1)}
    for name in modules:
        module = types.ModuleType(name)
        module.__path__ = []
        vars(module).update(STAND_IN.get(name, {}))
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "kosmos_ros.launching", raising=False)
    monkeypatch.delenv(PROFILE_FILE, raising=False)
    scope = runpy.run_path(str(PACKAGE / "launch" / f"{request.param}.launch.py"))
    made = scope["generate_launch_description"]().given[0]
    monkeypatch.delitem(sys.modules, "kosmos_ros.launching")
    return request.param, GRAPHS[request.param], made


def of(made, *kinds):
    return [action for action in made if action.kind in kinds]


def test_a_launch_file_starts_the_nodes_of_the_graph(launched):
    _, graph, made = launched
    nodes = of(made, "Node", "LifecycleNode")
    assert [(node.name, node.namespace, node.kind == "LifecycleNode") for node in nodes] == [
        (spec.name, spec.namespace, spec.lifecycle) for spec in graph.nodes
    ]
    assert [dict(node.remappings) for node in nodes] == [dict(spec.remappings) for spec in graph.nodes]
    assert [(node.package, f"kosmos_ros.{node.executable}") for node in nodes] == [
        ("kosmos_ros", spec.module) for spec in graph.nodes
    ]
    assert all(node.respawn for node in nodes)


def test_its_parameters_come_from_its_own_file_or_the_users(launched):
    name, _, made = launched
    (argument,) = of(made, "DeclareLaunchArgument")
    assert argument.given == ("params_file",)
    assert argument.default_value == f"/share/kosmos_ros/config/{name}.yaml"
    assert all(node.parameters == [("argument", "params_file")] for node in of(made, "Node", "LifecycleNode"))


def test_pictures_go_through_large_shared_memory(launched):
    _, _, made = launched
    (variable,) = of(made, "SetEnvironmentVariable")
    assert variable.given == (PROFILE_FILE, str(profile_path()))
    assert made.index(variable) < made.index(of(made, "Node", "LifecycleNode")[0])


def test_lifecycle_nodes_are_configured_at_each_start_and_then_activated(launched):
    _, _, made = launched
    nodes = of(made, "LifecycleNode")
    handlers = [action.given[0] for action in of(made, "RegisterEventHandler")]
    assert len(handlers) == 2 * len(nodes)
    for node in nodes:
        (start,) = [item for item in handlers if item.kind == "OnProcessStart" and item.target_action is node]
        (ready,) = [item for item in handlers if item.kind == "OnStateTransition"]
        assert ready.target_lifecycle_node is node
        assert (ready.start_state, ready.goal_state) == ("configuring", "inactive")
        for emits, transition in ((start.on_start, CONFIGURE), (ready.entities, ACTIVATE)):
            (event,) = [emit.event for emit in emits]
            assert (event.transition_id, event.lifecycle_node_matcher) == (transition, ("is", node))


def test_the_config_files_are_those_that_the_settings_make(tmp_path):
    main([str(tmp_path)])
    assert {path.name for path in (PACKAGE / "config").iterdir()} == set(config_files())
    for name in config_files():
        stored = (PACKAGE / "config" / name).read_text(encoding="utf-8")
        assert stored == (tmp_path / name).read_text(encoding="utf-8"), "run: python -m kosmos_ros.config_files FOLDER"


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_a_config_file_holds_every_setting_and_differs_only_as_the_graph_says(name):
    read = yaml.safe_load((PACKAGE / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert set(read) == {spec.full_name for spec in GRAPHS[name].nodes}
    for spec in GRAPHS[name].nodes:
        values = read[spec.full_name]["ros__parameters"]
        settings = (SIM_TIME, *described(spec.settings))
        assert list(values) == [item.name for item in settings]
        differing = {
            item.name
            for item in settings
            if values[item.name] != (list(item.default) or [""] if isinstance(item.default, tuple) else item.default)
        }
        assert differing == {key for key, value in spec.parameters.items() if value != spec.setting(key).default}
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        assert given.pop(SIM_TIME.name) == spec.use_sim_time
        assert spec.settings.checked(given) == spec.checked()


def test_setup_installs_them():
    code = (PACKAGE / "setup.py").read_text(encoding="utf-8")
    for folder, suffix in (("launch", "*.launch.py"), ("config", "*.yaml")):
        for path in (PACKAGE / folder).glob(suffix):
            assert f'"{folder}/{path.name}"' in code
    for spec in simulated_graph().nodes:
        assert f'"{spec.executable}"' in code


CHILD = """
import json, sys, rclpy
from rclpy.node import Node
from kosmos_ros import ros_parameters
from kosmos_ros.graph import simulated_graph
rclpy.init(args=["--ros-args", "--params-file", sys.argv[1]])
said = {}
for spec in simulated_graph().nodes:
    node = Node(spec.name)
    said[spec.name] = ros_parameters.declare(node, spec.settings).model_dump(mode="json")
    said[spec.name]["use_sim_time"] = node.get_parameter("use_sim_time").value
    node.destroy_node()
rclpy.shutdown()
print(json.dumps(said))
"""


@pytest.mark.skipif(importlib.util.find_spec("rclpy") is None, reason="no ROS 2 here")
def test_ros_itself_reads_the_file_as_it_is_meant(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(PACKAGE / "config" / "sim.yaml")],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout.strip().splitlines()[-1])
    for spec in simulated_graph().nodes:
        assert said[spec.name].pop("use_sim_time") == spec.use_sim_time
        assert said[spec.name] == spec.checked().model_dump(mode="json")
