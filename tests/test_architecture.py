"""Who may import whom, checked over the source."""

import subprocess
import sys

import pytest
from source_tree import as_module, imports, modules, reached, within

PURE = (
    "asks", "calibration", "clarify", "drawing", "errors", "images", "location", "marks", "markup", "network",
    "phrases", "remote", "remote_calls", "results", "tokens", "version",
)  # fmt: skip
SIDE = ("training", "grit", "evaluation", "serving", "benchmarking", "cli")
ROS = (
    "rclpy",
    "action_msgs",
    "ament_index_python",
    "builtin_interfaces",
    "diagnostic_msgs",
    "geometry_msgs",
    "kosmos_interfaces",
    "launch",
    "launch_ros",
    "lifecycle_msgs",
    "rcl_interfaces",
    "rosgraph_msgs",
    "sensor_msgs",
    "std_msgs",
    "tf2_msgs",
    "vision_msgs",
    "visualization_msgs",
)
# They work where there is no ROS: a recorder of bags, a table in the docs, the command line need them.
ROS_FREE = (
    "config_files",
    "docs_tables",
    "domains",
    "errors",
    "environment",
    "faults",
    "graph",
    "pixels",
    "poses",
    "processes",
    "settings",
    "settings_table",
    "sim_world",
    "transform_edges",
    "transforms",
)

# Who may not import what. Longer names are more exact: "kosmos_agent.cli" stands for the package and all in it.
FORBIDDEN = {
    "kosmos_agent.model": (
        "kosmos_agent.export",
        "kosmos_agent.runtime",
        "kosmos_agent.inference",
        "kosmos_agent.view",
        "kosmos_agent.grounder",
        "kosmos_agent.robot",
    ),
    "kosmos_agent.export": (
        "kosmos_agent.inference",
        "kosmos_agent.view",
        "kosmos_agent.grounder",
        "kosmos_agent.robot",
        "kosmos_agent.runtime",
    ),
    "kosmos_agent.runtime": (
        "kosmos_agent.inference",
        "kosmos_agent.view",
        "kosmos_agent.grounder",
        "kosmos_agent.robot",
    ),
    "kosmos_agent.inference": ("kosmos_agent.view", "kosmos_agent.grounder", "kosmos_agent.robot"),
    "kosmos_agent.robot": ("kosmos_agent.model", "kosmos_agent.inference", "torch"),
    "kosmos_agent.serving": ("kosmos_agent.model", "kosmos_agent.inference", "kosmos_agent.cli"),
    "kosmos_agent.view": ("kosmos_agent.robot",),
    "kosmos_agent.grounder": ("kosmos_agent.robot",),
    "kosmos_agent.skills": ("kosmos_agent.model", "kosmos_agent.cli", "kosmos_agent.training", "kosmos_sim", "torch"),
    "kosmos_agent.grit": ("kosmos_agent.cli", "kosmos_agent.robot", "kosmos_agent.skills", "kosmos_agent.evaluation"),
    "kosmos_sim": (
        "kosmos_agent.model",
        "kosmos_agent.inference",
        "kosmos_agent.grounder",
        "kosmos_agent.cli",
        "torch",
    ),
    # Nodes see through the public face alone.
    "kosmos_ros": (
        "kosmos_agent.model",
        "kosmos_agent.inference",
        "kosmos_agent.training",
        "kosmos_agent.evaluation",
        "kosmos_agent.cli",
        "torch",
    ),
    # Tools and agents know no robot, no simulator and no engine.
    "langchain_kosmos": (
        "kosmos_agent.model",
        "kosmos_agent.training",
        "kosmos_agent.evaluation",
        "kosmos_agent.cli",
        "kosmos_sim",
        "kosmos_ros",
        "kosmos_mcp",
        "torch",
    ),
    "kosmos_mcp": (
        "kosmos_agent.model",
        "kosmos_agent.training",
        "kosmos_agent.evaluation",
        "kosmos_agent.cli",
        "kosmos_sim",
        "kosmos_ros",
        "langchain_kosmos",
        "torch",
    ),
}


def test_the_wings_are_found():
    assert "kosmos_agent.results" in modules()
    assert "kosmos_sim.records" in modules()
    assert "kosmos_ros.transforms" in modules()
    assert "torch" in reached("kosmos_agent.model.kosmos2"), "the search itself is broken"


@pytest.mark.parametrize("pure", PURE)
def test_pure_modules_never_reach_torch_or_the_engine(pure):
    heavy = ("torch", "transformers", "cv2", "mujoco", "kosmos_agent.model", "kosmos_agent.inference")
    mine = [name for name in modules() if within(name, f"kosmos_agent.{pure}")]
    assert mine
    assert not [(name, item) for name in mine for item in reached(name) for bad in heavy if within(item, bad)]


def test_imports_point_one_way():
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        for package, banned in FORBIDDEN.items()
        if within(name, package)
        for item in imports(name)
        if any(within(item, bad) for bad in banned)
    ]
    assert not wrong


def test_only_the_command_line_knows_the_simulation_and_the_tools():
    faces = ("kosmos_sim", "langchain_kosmos", "kosmos_mcp", "kosmos_ros")
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        if within(name, "kosmos_agent") and not within(name, "kosmos_agent.cli")
        for item in imports(name)
        if any(within(item, face) for face in faces)
    ]
    assert not wrong


def test_ros_stays_in_its_wing():
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        if not within(name, "kosmos_ros") and not within(name, "kosmos_agent.cli")
        for item in imports(name)
        if any(within(item, package) for package in ROS)
    ]
    assert not wrong


def test_one_file_knows_the_mcp_library():
    """What moves to another version of it moves there."""
    assert [name for name in modules() if any(within(item, "mcp") for item in imports(name))] == ["kosmos_mcp.sdk"]


def test_one_file_each_knows_ray_serve_and_the_http_framework():
    """A program without the extra `serve` has the rest."""
    users = {
        package: {name for name in modules() for item in imports(name) if within(item, package)}
        for package in ("ray.serve", "fastapi")
    }
    assert users == {"ray.serve": {"kosmos_agent.serving.ray_engine"}, "fastapi": {"kosmos_agent.serving.app"}}


@pytest.mark.parametrize("free", ROS_FREE)
def test_some_of_the_wing_needs_no_ros(free):
    reaches = reached(f"kosmos_ros.{free}")
    assert f"kosmos_ros.{free}" in modules()
    assert not [(item, package) for item in reaches for package in ROS if within(item, package)]
    assert "torch" not in reaches


def test_nothing_at_run_time_imports_training_or_evaluation():
    side = tuple(f"kosmos_agent.{name}" for name in SIDE)
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        if within(name, "kosmos_agent") and not any(within(name, package) for package in side)
        for item in imports(name)
        if any(within(item, package) for package in side) and name != "kosmos_agent.__main__"
    ]
    assert not wrong


def test_no_module_imports_itself_round_a_corner():
    graph = {name: {as_module(item) for item in imports(name, late=False)} & set(modules()) for name in modules()}
    done, cycles = set(), []

    def visit(name, trail):
        if name in trail:
            cycles.append(" -> ".join([*trail[trail.index(name) :], name]))
        elif name not in done:
            for item in sorted(graph[name]):
                visit(item, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    assert not cycles


@pytest.mark.parametrize(
    "module", ["kosmos_agent.results", "kosmos_agent.cli.app", "kosmos_agent.drawing", "kosmos_ros.settings_table"]
)
def test_light_modules_load_without_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
