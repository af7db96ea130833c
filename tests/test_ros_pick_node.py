"""The pick node between a scripted grounding node and a scripted arm, over real topics and actions."""

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

import numpy as np
from action_msgs.msg import GoalStatus
from kosmos_interfaces.action import Pick
from kosmos_interfaces.msg import PickStep, Reason
from kosmos_ros.picks import report_from_result
from rclpy.parameter import Parameter
from ros_graph import graph
from ros_pick_peers import NOTHING, Seen, until
from ros_pick_scene import at, scene_of

from kosmos_agent.errors import NoDepthError, PlanningError

SUCCEEDED, ABORTED, CANCELED = GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_ABORTED, GoalStatus.STATUS_CANCELED


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with graph(tmp_path_factory.mktemp("log")) as (context, _), scene_of(context) as scene:
        yield scene


@pytest.fixture
def scene(made):
    made.reset()
    return made


def test_found_twice_and_once_more_is_picked(scene):
    scene.eyes.script = [Seen(ids=("3",))]
    status, result = scene.client.pick()
    assert (status, result.outcome, result.motion) == (SUCCEEDED, Pick.Result.PICKED, Pick.Result.DONE)
    assert [(step.step, step.look) for step in result.steps] == [
        *((step, look) for look in (1, 2, 3) for step in (PickStep.LOOK, PickStep.GROUND, PickStep.LOCATE)),
        (PickStep.PICK, 3),
    ]
    heard = Pick.Feedback
    until(lambda: len(scene.client.feedback) >= 13)
    assert [(item.phase, item.look) for item in scene.client.feedback] == [
        *((phase, look) for look in (1, 2, 3) for phase in (heard.LOOK, heard.GROUND, heard.LOCATE)),
        *((phase, 3) for phase in (heard.APPROACH, heard.DESCEND, heard.GRASP, heard.LIFT)),
    ]
    assert result.target[0].id == "3"
    assert result.grounding.model == "scripted"
    assert scene.arm.targets[0].pose.position == result.target[0].pose.position
    assert (scene.eyes.asked[0].want_3d, scene.eyes.asked[0].target_frame) == (True, "base")
    assert report_from_result(result).picked


def test_where_it_grasps_is_told_before_the_arm_moves(scene):
    scene.client.pick()
    until(lambda: scene.client.poses)
    (pose,) = scene.client.poses
    at_m = pose.pose.position
    assert (at_m.x, at_m.y, at_m.z) == pytest.approx((0.4, 0.0, 0.1)), "the middle of its top"
    assert (pose.header.frame_id, pose.header.stamp) == ("base", scene.arm.targets[0].header.stamp)
    assert 2 * np.arctan2(pose.pose.orientation.z, pose.pose.orientation.w) == pytest.approx(0.5)


def test_what_happens_is_said_in_words(scene):
    scene.client.said.clear()
    scene.client.pick()
    until(lambda: "done" in scene.client.said)
    assert scene.client.said.index("look 1: it is looked for") < scene.client.said.index("the arm: grasp")


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (NOTHING, Pick.Result.NOT_FOUND),
        (Seen(places=((0.4, 0.0, 0.05), (0.2, 0.0, 0.05)), status="ambiguous"), Pick.Result.AMBIGUOUS),
        (Seen(places=(), status="cannot_tell"), Pick.Result.CANNOT_TELL),
    ],
)
def test_other_answers_pass_through_and_the_arm_hears_nothing(scene, seen, outcome):
    scene.eyes.script = [seen]
    status, result = scene.client.pick()
    assert (status, result.outcome, result.motion) == (ABORTED, outcome, Pick.Result.NO_MOTION)
    assert result.reason.code == Reason.NONE
    assert "nothing was moved" in result.message
    assert not scene.arm.targets
    assert not scene.client.poses
    assert len(scene.eyes.asked) == 1


def test_an_ambiguous_answer_hands_its_question_on(scene):
    scene.eyes.script = [Seen(places=((0.4, 0.0, 0.05), (0.2, 0.0, 0.05)), status="ambiguous")]
    assert "the left one or the right one?" in scene.client.pick()[1].message


def test_what_moves_between_looks_is_left_alone(scene):
    scene.eyes.script = [at(0.1), at(0.2), at(0.3)]
    status, result = scene.client.pick()
    assert (status, result.outcome) == (ABORTED, Pick.Result.MOVING)
    assert not scene.arm.targets


def test_what_moves_before_the_arm_does_is_left_alone(scene):
    scene.eyes.script = [at(0.4), at(0.4), at(0.44)]
    _, result = scene.client.pick()
    assert result.outcome == Pick.Result.MOVING
    assert "moved by 40 mm" in result.message
    assert not scene.arm.targets
    assert not scene.client.poses


def test_what_is_gone_before_the_arm_moves_is_lost(scene):
    scene.eyes.script = [at(0.4), at(0.4), NOTHING]
    status, result = scene.client.pick()
    assert (status, result.outcome, result.reason.code) == (ABORTED, Pick.Result.LOST, Reason.NONE)
    assert not scene.arm.targets
    assert report_from_result(result).status == "lost"


def test_the_last_look_is_where_the_arm_goes(scene):
    scene.eyes.script = [at(0.4), at(0.41), at(0.42)]
    scene.client.pick()
    assert scene.arm.targets[0].pose.position.x == pytest.approx(0.42)


def test_one_picture_twice_is_one_look(scene):
    scene.eyes.script = [at(0.4), at(0.4, again=True), at(0.4, again=True), at(0.2), at(0.2), at(0.2)]
    _, result = scene.client.pick()
    assert result.outcome == Pick.Result.PICKED
    assert scene.arm.targets[0].pose.position.x == pytest.approx(0.2)
    assert [step.look for step in result.steps][-1] == 4


def test_pictures_that_go_back_in_time_are_refused(scene):
    scene.eyes.script = [at(0.4), at(0.4, back_ns=50 * 10**9)]
    _, result = scene.client.pick()
    assert (result.outcome, result.reason.code) == (Pick.Result.REFUSED, Reason.TIME_JUMPED_BACK)
    assert not scene.arm.targets


def test_a_hole_in_the_depth_is_a_look_that_does_not_agree(scene):
    hole = Seen(places=(None,))
    scene.eyes.script = [hole, at(0.4)]
    assert scene.client.pick()[1].outcome == Pick.Result.PICKED
    scene.eyes.script = [hole]
    status, result = scene.client.pick()
    assert (status, result.outcome, result.reason.code) == (ABORTED, Pick.Result.REFUSED, Reason.NO_DEPTH)


@pytest.mark.parametrize(
    ("goal", "code", "words"),
    [
        ({"phrase": ""}, Reason.INVALID_PHRASE, ""),
        ({"phrase": "x" * 300}, Reason.INVALID_PHRASE, ""),
        ({"phrase": "the cup", "target_id": "3"}, Reason.INVALID_ARGUMENT, "one of them"),
        ({"phrase": "", "target_id": "a\nb"}, Reason.INVALID_ARGUMENT, "printable"),
        ({"phrase": "the cup", "timeout_s": -1.0}, Reason.INVALID_ARGUMENT, "timeout"),
        ({"phrase": "", "target_id": "77"}, Reason.UNKNOWN_TARGET, "77"),
    ],
)
def test_malformed_goals_are_refused_with_the_reason(scene, goal, code, words):
    status, result = scene.client.pick(**goal)
    assert (status, result.outcome, result.reason.code) == (ABORTED, Pick.Result.REFUSED, code)
    assert words in result.message
    assert not scene.eyes.asked


def test_what_the_grounding_node_refuses_keeps_its_reason(scene):
    scene.eyes.script = [Seen(error=NoDepthError("too few readings"))]
    _, result = scene.client.pick()
    assert (result.outcome, result.reason.code, result.message) == (
        Pick.Result.REFUSED,
        Reason.NO_DEPTH,
        "too few readings",
    )


def test_what_the_arm_refuses_keeps_its_reason(scene):
    scene.arm.error = PlanningError("out of reach")
    status, result = scene.client.pick()
    assert (status, result.outcome, result.reason.code) == (
        ABORTED,
        Pick.Result.REFUSED,
        Reason.PLANNING_FAILED,
    )


def test_what_slips_is_not_picked(scene):
    scene.arm.reason = "slipped"
    status, result = scene.client.pick()
    assert (status, result.outcome, result.motion) == (ABORTED, Pick.Result.NOT_PICKED, Pick.Result.SLIPPED)
    assert result.motion_phase == Pick.Feedback.LIFT


def test_cancelling_while_it_is_looked_for(scene):
    scene.eyes.script = [Seen(hold=True)]
    handle = scene.client.send("the red cup")
    until(lambda: scene.eyes.asked)
    handle.cancel_goal_async()
    status, result = scene.client.result(handle)
    assert (status, result.outcome, result.reason.code) == (CANCELED, Pick.Result.REFUSED, Reason.CANCELLED)
    until(lambda: scene.eyes.cancelled == 1)
    assert not scene.arm.targets


def test_cancelling_while_the_arm_moves(scene):
    scene.arm.hold = "descend"
    handle = scene.client.send("the red cup")
    until(lambda: scene.arm.targets)
    handle.cancel_goal_async()
    status, result = scene.client.result(handle)
    assert (status, result.outcome, result.motion) == (CANCELED, Pick.Result.NOT_PICKED, Pick.Result.CANCELLED)
    assert result.motion_phase in (Pick.Feedback.APPROACH, Pick.Feedback.DESCEND)


def test_the_time_limit_ends_looking_and_moving(scene):
    scene.eyes.script = [Seen(hold=True)]
    status, result = scene.client.pick(timeout_s=0.5)
    assert (status, result.outcome, result.reason.code) == (ABORTED, Pick.Result.REFUSED, Reason.TIMEOUT)
    scene.eyes.script, scene.arm.hold = [Seen()], "lift"
    status, result = scene.client.pick(timeout_s=4.0)
    assert (status, result.outcome, result.motion) == (ABORTED, Pick.Result.NOT_PICKED, Pick.Result.TIMEOUT)
    assert "4 s ran out" in result.message


def test_one_pick_at_a_time(scene):
    scene.arm.hold = "lift"
    first = scene.client.send("the red cup")
    until(lambda: scene.arm.targets)
    assert not scene.client.send("the blue cup").accepted
    first.cancel_goal_async()
    scene.client.result(first)
    scene.arm.reset()
    assert scene.client.pick()[1].outcome == Pick.Result.PICKED


def test_a_goal_accepted_and_never_executed_does_not_block_the_next(scene):
    assert scene.pick._turn.reserve(), "as rclpy leaves it when the client cannot be told"
    assert not scene.client.send("the red cup").accepted
    until(lambda: scene.client.send("the red cup").accepted)
    until(lambda: scene.arm.targets)
    until(lambda: scene.pick._job is None)


def test_targets_in_another_frame_than_the_arms_are_refused(scene):
    scene.eyes.script = [Seen(frame_id="map")]
    _, result = scene.client.pick()
    assert (result.outcome, result.reason.code) == (Pick.Result.REFUSED, Reason.PLANNING_FAILED)
    assert not scene.arm.targets


def test_settings_change_while_it_runs_but_not_the_planner(scene):
    (looser,) = scene.pick.set_parameters([Parameter("settled_m", value=0.2)])
    (planner,) = scene.pick.set_parameters([Parameter("planner", value="pose")])
    try:
        assert looser.successful
        assert not planner.successful
        scene.eyes.script = [at(0.3), at(0.4), at(0.4)]
        assert scene.client.pick()[1].outcome == Pick.Result.PICKED
    finally:
        scene.pick.set_parameters([Parameter("settled_m", value=0.02)])
