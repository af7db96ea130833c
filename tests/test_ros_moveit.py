"""Hand-over to MoveIt and to whoever takes a pose, by conversion and through the pick node."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

import numpy as np
from action_msgs.msg import GoalStatus
from hypothesis import given, settings
from kosmos_interfaces.action import Pick
from kosmos_ros import moveit
from kosmos_ros.moveit import MoveItTypes, collision_object, grasp_pose, moveit_types
from kosmos_ros.pick_node import PickNode, main
from kosmos_ros.picks import report_from_result
from ros_answers import targets
from ros_graph import graph
from ros_pick_peers import Client, ScriptedGrounding, Seen, spinning, target, until

from kosmos_agent.errors import MissingDependencyError


@dataclass
class SolidPrimitive:
    """As shape_msgs has it, in the fields that we fill."""

    BOX: ClassVar[int] = 1
    type: int = 0
    dimensions: list[float] = field(default_factory=list)


@dataclass
class CollisionObject:
    """As moveit_msgs has it, which no wheel brings, in the fields that we fill."""

    ADD: ClassVar[bytes] = b"\x00"
    header: Any
    pose: Any
    id: str
    primitives: list
    primitive_poses: list
    operation: bytes


TYPES = MoveItTypes(CollisionObject, SolidPrimitive)


@given(targets)
@settings(max_examples=30)
def test_the_grasp_pose_is_on_the_top_and_turned_as_the_thing_is(thing):
    pose = grasp_pose(thing)
    at, turn = pose.pose.position, pose.pose.orientation
    x, y, z = thing.position_m
    assert (at.x, at.y, at.z) == pytest.approx((x, y, z + thing.size_m[2] / 2))
    assert 2 * np.arctan2(turn.z, turn.w) == pytest.approx(thing.yaw_rad)
    assert (turn.x, turn.y, pose.header.frame_id) == (0.0, 0.0, thing.frame_id)


@given(targets)
@settings(max_examples=30)
def test_the_collision_object_is_a_box_as_large_as_the_target(thing):
    made = collision_object(thing, TYPES, "8")
    (box,), (offset,) = made.primitives, made.primitive_poses
    assert (made.id, made.operation, box.type) == ("8", CollisionObject.ADD, SolidPrimitive.BOX)
    assert box.dimensions == pytest.approx([max(side, 1e-3) for side in (*thing.extent_m, thing.size_m[2])])
    assert (made.pose.position.x, made.pose.position.y, made.pose.position.z) == pytest.approx(thing.position_m)
    assert (offset.orientation.w, offset.position.x, offset.position.z) == (1.0, 0.0, 0.0)
    assert made.header == grasp_pose(thing).header
    top_m = made.pose.position.z + box.dimensions[2] / 2
    assert grasp_pose(thing).pose.position.z == pytest.approx(top_m, abs=1e-3)


def test_an_untracked_target_has_an_id_too():
    assert collision_object(target(), TYPES).id == moveit.UNTRACKED_ID


@pytest.fixture
def no_moveit(monkeypatch):
    really = moveit.importlib.import_module

    def found(name, package=None):
        if name.startswith("moveit_msgs"):
            raise ModuleNotFoundError("No module named 'moveit_msgs'", name="moveit_msgs")
        return really(name, package)

    monkeypatch.setattr(moveit.importlib, "import_module", found)


def test_moveits_messages_are_asked_for_in_words(no_moveit):
    with pytest.raises(MissingDependencyError, match=r"moveit_msgs is missing.*apt install"):
        moveit_types()


def test_the_node_does_not_start_without_them(no_moveit, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["--ros-args", "-p", "planner:=moveit"]) == 2
    assert "apt install" in capsys.readouterr().err


def test_a_pose_is_handed_over_and_nothing_claimed(tmp_path):
    arguments = ["--ros-args", "-r", "ground:=/grounding/ground", "-p", "planner:=pose"]
    with graph(tmp_path) as (context, _):
        eyes, pick, client = ScriptedGrounding(context), PickNode(context=context, cli_args=arguments), Client(context)
        with spinning(context, eyes.node, pick, client.node):
            until(client.action.server_is_ready)
            until(lambda: all(item.get_publisher_count() for item in client.subscriptions))
            eyes.script = [Seen(ids=("3",))]
            status, result = client.pick()
            assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, Pick.Result.HANDED_OVER)
            assert result.motion == Pick.Result.NO_MOTION
            assert "handed over on ~/grasp_pose; the motion is another's" in result.message
            assert result.target[0].id == "3"
            until(lambda: client.poses)
            report = report_from_result(result)
            assert (report.status, report.picked) == ("handed_over", False)
            eyes.script = [Seen(places=(), status="not_found")]
            assert client.pick()[1].outcome == Pick.Result.NOT_FOUND
            assert not client.poses
