"""The Grasp action: the simulated arm that serves it, and the client that any arm may serve.

The targets here are the world's own truth: this is a test of the arm, and nothing here claims to see.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from kosmos_interfaces.action import Grasp, Pick
from kosmos_interfaces.srv import Judge
from kosmos_ros import qos
from kosmos_ros.errors import RemoteError
from kosmos_ros.grasp_client import GraspClient
from kosmos_ros.grasps import grasp_goal, grasp_result, grasp_target, outcome_from_result, refused_grasp
from kosmos_ros.program import spun
from kosmos_ros.sim_camera_node import SimCameraNode
from kosmos_sim.world import Tabletop
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.parameter import Parameter
from ros_graph import graph
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from kosmos_agent.errors import (
    BusyError,
    CancelledError,
    GoalTimeoutError,
    InvalidArgumentError,
    NoArmError,
    PlanningError,
)
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import PICK_PHASES, MotionOutcome, PlaceGoal, Planner

SEED, THING = 0, ("cup", "red")
TIMEOUT_S = 90


@pytest.fixture(scope="module")
def truth():
    with Tabletop.random(SEED, THING) as table:
        return table.truth()[0].as_target()


class Scene:
    """A node that serves, one that asks, both spun by threads of an executor."""

    def __init__(self, context, server):
        self.asker = rclpy.create_node("asker", context=context)
        self.server = server
        self._hand, self._heard = None, threading.Event()
        self.asker.create_subscription(TFMessage, "/tf", self._take, qos.profile("tf"))
        self.callers = []
        self.stack = ExitStack()
        self.executor = self.stack.enter_context(spun(server, self.asker))
        self.pool = ThreadPoolExecutor(4)

    def client(self, action="/sim/grasp", **options):
        """On a node of its own, which is spun only when the client is whole (see GoalCaller)."""
        node = rclpy.create_node(f"caller_{len(self.callers)}", context=self.asker.context)
        client = GraspClient(node, action, **{"server_timeout_s": 20.0, **options})
        self.callers.append(node)
        self.executor.add_node(node)
        return client

    def hand_m(self):
        """Where the gripper is in the next transform that comes, base frame."""
        self._heard.clear()
        assert self._heard.wait(20)
        move = self._hand.transform.translation
        return move.x, move.y, move.z

    def _take(self, message):
        hands = [item for item in message.transforms if item.child_frame_id == "gripper"]
        if hands:
            self._hand = hands[-1]
            self._heard.set()

    def judge(self):
        service = self.asker.create_client(Judge, "/sim/judge")
        assert service.wait_for_service(20)
        answer, done = service.call_async(Judge.Request()), threading.Event()
        answer.add_done_callback(lambda _: done.set())
        assert done.wait(TIMEOUT_S)
        return answer.result()

    def close(self):
        self.stack.close()
        for node in (self.server, self.asker, *self.callers):
            node.destroy_node()
        self.pool.shutdown()


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    values = {"seed": SEED, "width": 160, "height": 120, "rate_hz": 5.0}
    with graph(tmp_path_factory.mktemp("log")) as (context, _):
        node = SimCameraNode(
            context=context, parameter_overrides=[Parameter(name, value=value) for name, value in values.items()]
        )
        scene = Scene(context, node)
        yield scene
        scene.close()


def test_the_client_is_a_planner(sim):
    client = sim.client()
    assert isinstance(client, Planner)
    assert client.frame_id == "base"
    with pytest.raises(PlanningError, match="cannot place"):
        client.place(PlaceGoal(frame_id="base", position_m=(0.5, 0.0, 0.0)))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"position_m": (3.0, 0.0, 0.1)}, PlanningError, "reach"),
        ({"extent_m": (0.3, 0.3), "size_m": (0.3, 0.3, 0.1)}, PlanningError, "the gripper takes up to"),
        ({"size_m": (0.1, -0.1, 0.1)}, RemoteError, "valid: all above 0"),
        ({"position_m": (float("nan"), 0.0, 0.1)}, RemoteError, "not finite"),
    ],
)
def test_what_cannot_be_grasped_is_refused_and_nothing_moved(sim, truth, change, error, words):
    phases, before_m = [], sim.hand_m()
    with pytest.raises(error, match=words):
        sim.client().pick(truth.model_copy(update=change), on_phase=phases.append)
    assert not phases
    np.testing.assert_allclose(sim.hand_m(), before_m, atol=1e-3)


def test_another_frame_is_refused_by_client_and_arm(sim, truth):
    elsewhere = truth.model_copy(update={"frame_id": "map"})
    with pytest.raises(PlanningError, match="valid: 'base'"):
        sim.client().pick(elsewhere)
    with pytest.raises(PlanningError, match="valid: 'base'"):
        sim.client(frame_id="map").pick(elsewhere)


def test_cancelled_before_it_is_sent_nothing_moves(sim, truth):
    token = CancelToken()
    token.cancel("changed my mind")
    with pytest.raises(CancelledError, match="changed my mind"):
        sim.client().pick(truth, cancel=token)


def test_a_cancel_midway_stops_and_a_second_goal_is_refused_meanwhile(sim, truth):
    token, begun = CancelToken(), threading.Event()
    moving = sim.pool.submit(sim.client().pick, truth, on_phase=lambda _: begun.set(), cancel=token)
    assert begun.wait(TIMEOUT_S)
    with pytest.raises(BusyError, match="works on another goal"):
        sim.client().pick(truth)
    assert sim.judge().thing == "the red cup"
    token.cancel()
    outcome = moving.result(TIMEOUT_S)
    assert (outcome.succeeded, outcome.reason) == (False, "cancelled")
    assert outcome.duration_s < 5
    assert not sim.judge().picked


def test_the_true_place_ends_in_a_pick_while_pictures_go_on(sim, truth):
    phases, stamps_seen = [], []
    sim.asker.create_subscription(
        Image, "/camera/image_raw", lambda m: stamps_seen.append(m.header.stamp), qos.profile("sensor_in")
    )
    outcome = sim.client().pick(truth, on_phase=phases.append)
    assert (outcome.succeeded, outcome.reason, outcome.phase) == (True, "done", "lift")
    assert tuple(phases) == PICK_PHASES
    assert len(stamps_seen) > 0.5 * 5.0 * outcome.duration_s
    verdict = sim.judge()
    assert verdict.picked, verdict.message
    assert verdict.thing == "the red cup"


def test_a_missing_arm_is_an_error_in_bounded_time(sim, truth):
    with pytest.raises(NoArmError, match=r"no arm serves '/nobody/grasp' after 0\.2 s"):
        sim.client("/nobody/grasp", server_timeout_s=0.2).pick(truth)


class StubbornArm:
    """An arm of somebody else's, of real rclpy: it does as `manner` says."""

    def __init__(self, node, name, manner):
        self.manner, self.cancels = manner, 0
        self.enough, self.done = threading.Event(), threading.Event()
        self.server = ActionServer(
            node,
            Grasp,
            name,
            execute_callback=self.execute,
            goal_callback=lambda _: GoalResponse.REJECT if manner == "reject" else GoalResponse.ACCEPT,
            cancel_callback=self.cancel,
            callback_group=ReentrantCallbackGroup(),
        )

    def cancel(self, _):
        self.cancels += 1
        return CancelResponse.REJECT if self.manner == "deaf" else CancelResponse.ACCEPT

    def execute(self, goal):
        if self.manner == "odd":
            goal.succeed()
            return Grasp.Result(motion=200)
        while not (goal.is_cancel_requested or self.enough.wait(0.01)):
            pass
        outcome = MotionOutcome(succeeded=False, phase="descend", reason="cancelled", message="", duration_s=1.0)
        goal.canceled() if goal.is_cancel_requested else goal.abort()
        self.done.set()
        return grasp_result(outcome)


def test_an_arm_that_takes_too_long_is_cancelled(sim, truth):
    arm = StubbornArm(sim.server, "/slow/grasp", "slow")
    outcome = sim.client("/slow/grasp", motion_timeout_s=0.2).pick(truth)
    assert (outcome.reason, outcome.phase) == ("timeout", "descend")
    assert arm.cancels == 1
    arm.server.destroy()


def test_an_arm_that_does_not_stop_is_an_error(sim, truth):
    arm = StubbornArm(sim.server, "/deaf/grasp", "deaf")
    with pytest.raises(GoalTimeoutError, match="neither ended"):
        sim.client("/deaf/grasp", motion_timeout_s=0.2, server_timeout_s=2.0).pick(truth)
    assert arm.cancels == 1
    arm.enough.set()
    assert arm.done.wait(20)
    arm.server.destroy()


def test_an_answer_that_no_arm_can_give_is_an_error(sim, truth):
    arm = StubbornArm(sim.server, "/odd/grasp", "odd")
    with pytest.raises(InvalidArgumentError, match="valid: "):
        sim.client("/odd/grasp").pick(truth)
    arm.server.destroy()


def test_a_goal_and_its_target_are_the_same(truth):
    back = grasp_target(grasp_goal(truth, "t1"))
    assert back.model_copy(update={"box": truth.box}) == truth


@pytest.mark.parametrize("reason", ["done", "nothing_held", "slipped", "blocked", "timeout", "cancelled"])
@pytest.mark.parametrize("phase", PICK_PHASES)
def test_an_outcome_comes_back_as_it_was(phase, reason):
    outcome = MotionOutcome(succeeded=reason == "done", phase=phase, reason=reason, message="so", duration_s=1.25)
    assert outcome_from_result(grasp_result(outcome)) == outcome


def test_a_refusal_comes_back_as_what_a_planner_promises():
    for error in (PlanningError("too far"), CancelledError("changed my mind")):
        result = refused_grasp(error)
        assert result.motion == Pick.Result.NO_MOTION
        with pytest.raises(type(error), match=str(error)):
            outcome_from_result(result)
    with pytest.raises(RemoteError, match="busy"):
        outcome_from_result(refused_grasp(BusyError("busy")))
