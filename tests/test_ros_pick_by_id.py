"""A pick by the id of a tracked target, and what the pick node knows of such targets."""

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

from action_msgs.msg import GoalStatus
from kosmos_interfaces.action import Pick
from kosmos_interfaces.msg import Grounding, Reason, TargetEvent
from ros_graph import graph
from ros_pick_peers import Seen, until
from ros_pick_scene import appeared, at, scene_of


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with graph(tmp_path_factory.mktemp("log")) as (context, _), scene_of(context) as scene:
        yield scene


@pytest.fixture
def scene(made):
    made.reset()
    return made


def test_it_is_known_again_by_its_id_though_others_fit_the_phrase(scene):
    appeared(scene, "8", place=(0.2, 0.0, 0.05))
    two = Seen(places=((0.4, 0.0, 0.05), (0.2, 0.0, 0.05)), ids=("7", "8"), status="ambiguous")
    scene.eyes.script = [two]
    status, result = scene.client.pick("", target_id="8")
    assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, Pick.Result.PICKED)
    assert (result.target[0].id, result.target[0].candidate) == ("8", 1)
    assert scene.arm.targets[0].pose.position.x == pytest.approx(0.2)
    assert scene.eyes.asked[0].phrase == "the red cup"


def test_or_by_where_it_was(scene):
    appeared(scene, "8", place=(0.4, 0.01, 0.05))
    scene.eyes.script = [Seen(ids=("9",))]
    assert scene.client.pick("", target_id="8")[1].outcome == Pick.Result.PICKED


def test_another_thing_of_that_name_is_not_it(scene):
    appeared(scene, "8", place=(0.1, 0.0, 0.05))
    scene.eyes.script = [Seen(ids=("9",))]
    _, result = scene.client.pick("", target_id="8")
    assert (result.outcome, result.reason.code) == (Pick.Result.REFUSED, Reason.UNKNOWN_TARGET)
    assert not scene.arm.targets


def test_a_lost_one_is_unknown(scene):
    appeared(scene, "8")
    scene.eyes.tell(TargetEvent.LOST, "8")
    until(lambda: scene.pick.book._targets["8"] is None)
    _, result = scene.client.pick("", target_id="8")
    assert (result.outcome, result.reason.code) == (Pick.Result.REFUSED, Reason.UNKNOWN_TARGET)
    assert "was lost" in result.message


def test_one_in_another_frame_is_not_compared(scene):
    appeared(scene, "8", frame_id="map")
    _, result = scene.client.pick("", target_id="8")
    assert result.reason.code == Reason.UNKNOWN_TARGET
    assert "'map'" in result.message


def test_what_a_pick_by_phrase_saw_can_be_picked_by_its_id(scene):
    scene.eyes.script = [Seen(ids=("5",))]
    scene.client.pick()
    assert scene.client.pick("", target_id="5")[1].outcome == Pick.Result.PICKED


def test_a_standing_answer_tells_where_a_target_is_now(scene):
    answers = scene.eyes.node.create_publisher(Grounding, "/answers", 10)
    until(lambda: answers.get_subscription_count() == 1)
    answers.publish(scene.eyes.message("the red cup", at(0.3, ids=("12",))))
    until(lambda: "12" in scene.pick.book._targets)
    scene.eyes.script = [at(0.31)]
    assert scene.client.pick("", target_id="12")[1].outcome == Pick.Result.PICKED
