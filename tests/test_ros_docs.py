"""docs/ros.md says what the code does: its tables are made from it, its codes and options are those that there are."""

import re
from pathlib import Path

import pytest
from kosmos_ros.docs_tables import filled, tables
from kosmos_ros.graph import camera_graph, simulated_graph
from kosmos_ros.settings_table import described
from typer.main import get_command

from kosmos_agent.cli.ros import app
from kosmos_agent.errors import InvalidArgumentError

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ros.md").read_text(encoding="utf-8")
CHECKS = ROOT / "ros_nodes" / "kosmos_ros" / "kosmos_ros"


def test_the_tables_are_those_that_the_code_makes():
    assert filled(PAGE) == PAGE, "run: python -m kosmos_ros.docs_tables docs/ros.md"


def test_every_parameter_of_every_node_has_its_row():
    for spec in simulated_graph().nodes:
        _, _, rest = PAGE.partition(f"### `{spec.name}`")
        section = rest.partition("\n#")[0]
        assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == [item.name for item in described(spec.settings)]


def test_a_page_without_its_marks_is_refused():
    with pytest.raises(InvalidArgumentError, match="valid: one"):
        filled(PAGE.replace("<!-- end of says -->", ""))
    assert set(tables()) == {"hears", "says", "parameters"}


def test_the_faults_are_those_that_the_doctor_finds():
    code = "".join((CHECKS / f"{name}.py").read_text(encoding="utf-8") for name in ("graph_checks", "traffic_checks"))
    found = set(re.findall(r'Fault\(\s*"(\w+)"', code)) - {"no_subscriber"}  # a note
    section = PAGE.partition("## Faults and remedies")[2].partition("\n## ")[0]
    told = {
        name
        for row in section.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert told == found


def test_the_commands_and_options_exist():
    commands = get_command(app).commands
    for command in re.findall(r"kosmos-agent ros (\w+)", PAGE):
        assert command in commands
    options = {option for parameter in commands["up"].params for option in (*parameter.opts, *parameter.secondary_opts)}
    section = PAGE.partition("`up` runs each node")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(--[a-z-]+)", section)) - {"--json"} <= options


def test_the_remaps_of_the_page_are_valid():
    for rule in re.findall(r"--remap ((?:\w+:)?[\w/]+:=[\w/]+)", PAGE):
        camera_graph().with_remaps([rule])


def test_the_table_of_qualities_is_the_one_that_the_nodes_go_by():
    pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
    from kosmos_ros.qos import ROLES

    section = PAGE.partition("### Quality of service")[2].partition("\n## ")[0]
    told = {
        role: (reliability, durability, int(depth))
        for role, reliability, durability, depth in re.findall(
            r"^\| .*\(`(\w+)`\) \| ([\w ]+) \| ([\w ]+) \| (\d+) \|$", section, re.MULTILINE
        )
    }
    words = {
        role: (choice.reliability.short_key, choice.durability.short_key, choice.depth)
        for role, choice in ROLES.items()
    }
    assert told == {role: (one.replace("_", " "), two.replace("_", " "), n) for role, (one, two, n) in words.items()}


def test_the_rules_for_other_programs_are_valid():
    rules = re.findall(r"--remap ([\w:/~]+:=[\w/~]+)", (ROOT / "docs" / "ros-picking.md").read_text(encoding="utf-8"))
    assert len(rules) >= 5
    for rule in rules:
        camera_graph().with_remaps([rule])


def test_the_options_of_the_benchmark_exist():
    code = (ROOT / "benchmarks" / "bench_ros.py").read_text(encoding="utf-8")
    section = PAGE.partition("## Speed")[2].partition("\n## ")[0]
    options = set(re.findall(r"(--[a-z-]+)", section))
    assert options == set(re.findall(r'add_argument\("(--[a-z-]+)"', code)) & options
    assert "bench-ros:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_readme_of_the_wing_points_here():
    assert "(../docs/ros.md)" in (ROOT / "ros_nodes" / "README.md").read_text(encoding="utf-8")
