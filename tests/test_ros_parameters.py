"""Settings as parameters of a real node: declared, overridden, set from outside, refused."""

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from kosmos_ros.ros_parameters import changed, declare, descriptor, read, verdict
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.settings_table import described
from rclpy.exceptions import InvalidParameterValueException
from rclpy.parameter import Parameter
from ros_graph import graph

from kosmos_agent.errors import InvalidArgumentError


def parameter(name, value):
    kinds = {bool: "BOOL", int: "INTEGER", float: "DOUBLE", str: "STRING", list: "STRING_ARRAY"}
    return Parameter(name, Parameter.Type[kinds[type(value)]], value)


@pytest.fixture
def node(tmp_path):
    arguments = [
        "--ros-args",
        "-p",
        "max_results:=7",
        "-p",
        "phrases:=['the red cup','a plate']",
        "-p",
        "target_frame:=base",
    ]
    with graph(tmp_path, arguments) as (context, executor):
        made = rclpy.create_node("grounding", context=context)
        executor.add_node(made)
        yield made


def test_declared_parameters_are_read_back_typed(node):
    settings = declare(node, GroundingSettings)
    assert settings == GroundingSettings(max_results=7, phrases=("the red cup", "a plate"), target_frame="base")
    for item in described(GroundingSettings):
        stated = node.describe_parameter(item.name)
        assert stated.description == item.description
        ranges = [*stated.integer_range, *stated.floating_point_range]
        assert [(span.from_value, span.to_value) for span in ranges] == (
            [] if item.minimum is None else [(item.minimum, item.maximum)]
        )


def test_a_node_takes_what_is_valid_and_says_why_not(node):
    current = declare(node, GroundingSettings)
    node.add_on_set_parameters_callback(lambda asked: verdict(current, asked, configured=True))
    good, empty, odd, fixed, far = (
        node.set_parameters([parameter(*pair)])[0]
        for pair in (
            ("score_threshold", 0.5), ("phrases", [""]), ("published_frame", " "), ("device", "cuda"),
            ("max_results", 900),
        )
    )  # fmt: skip
    assert good.successful
    assert empty.successful
    assert "parameter published_frame" in odd.reason
    assert "changes while unconfigured: clean up the node first" in fixed.reason
    assert not far.successful, "rclpy itself keeps to the range"
    assert read(node, GroundingSettings).score_threshold == 0.5
    assert read(node, GroundingSettings).phrases == ()


def test_a_change_gives_new_settings_and_leaves_the_old():
    current = GroundingSettings()
    new = changed(current, [parameter("max_results", 9), parameter("use_sim_time", True)], configured=True)
    assert (new.max_results, current.max_results) == (9, 5)
    assert changed(current, [parameter("device", "cuda")], configured=False).device == "cuda"
    assert changed(current, [parameter("device", "cpu")], configured=True) == current, "nothing changes"
    with pytest.raises(InvalidArgumentError, match="max_results is 0"):
        changed(current, [parameter("max_results", 0)], configured=False)


def test_choices_are_said_in_words():
    (item,) = [item for item in described(GroundingSettings) if item.name == "image_transport"]
    assert descriptor(item).additional_constraints == "one of: raw, compressed; changes while unconfigured"


def test_an_override_out_of_range_stops_the_node(tmp_path):
    with graph(tmp_path, ["--ros-args", "-p", "max_results:=900"]) as (context, executor):
        node = rclpy.create_node("grounding", context=context)
        executor.add_node(node)
        with pytest.raises(InvalidParameterValueException, match="max_results"):
            declare(node, GroundingSettings)
