"""What robots do to the pick node: a clock that jumps, wild messages, signals."""

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from action_msgs.msg import GoalStatus
from kosmos_interfaces.action import Pick
from kosmos_interfaces.msg import Grounding, Reason, TargetEvent
from kosmos_ros import stamps
from kosmos_ros.environment import for_process
from ros_domain import own_domain_id
from ros_graph import graph
from ros_noise import noise_clock
from ros_pick_peers import Client, spinning, until
from ros_pick_scene import ARGUMENTS, appeared, scene_of
from ros_wild import Wild
from rosgraph_msgs.msg import Clock

S = 1_000_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with graph(tmp_path_factory.mktemp("log")) as (context, _), scene_of(context, use_sim_time=True) as scene:
        scene.clock = scene.eyes.node.create_publisher(Clock, "/clock", 10)
        scene.answers = scene.eyes.node.create_publisher(Grounding, "/answers", 10)
        until(lambda: scene.clock.get_subscription_count() == scene.answers.get_subscription_count() == 1)
        yield scene


@pytest.fixture
def scene(made):
    made.reset()
    tick(made, 100 * S)
    return made


def tick(scene, now_ns):
    scene.clock.publish(Clock(clock=stamps.time_message(now_ns)))
    until(lambda: scene.pick.get_clock().now().nanoseconds == now_ns)


def callback(node, topic):
    """What the node does with each message of a topic."""
    (found,) = [item.callback for item in node.subscriptions if item.topic_name == topic]
    return found


def test_a_thousand_wild_messages_of_each_kind_leave_it_at_work(scene):
    wild = Wild(4)
    hear_event, hear_answer = callback(scene.pick, "/grounding/target_events"), callback(scene.pick, "/answers")
    for index in range(1000):
        hear_event(wild.event())
        hear_answer(wild.grounding())
        if index % 25 == 0:
            scene.eyes.events.publish(wild.event())
            scene.answers.publish(wild.grounding())
    appeared(scene, "88", place=(0.4, 0.0, 0.05))
    assert all(0 < len(name) <= 256 for name in scene.pick.book._targets)
    assert scene.client.pick("", target_id="88")[1].outcome == Pick.Result.PICKED


def test_a_thousand_wild_times_on_the_clock_leave_it_at_work(scene):
    dice, take = random.Random(3), callback(scene.pick, "/clock")
    for index in range(1000):
        message = noise_clock(dice)
        take(message)
        if index % 25 == 0:
            scene.clock.publish(message)
    tick(scene, 700 * S)
    assert scene.client.pick()[1].outcome == Pick.Result.PICKED


def test_time_that_goes_back_forgets_the_targets_and_it_picks_on(scene):
    appeared(scene, "5")
    tick(scene, 3 * S)
    assert not scene.pick.book._targets
    assert scene.client.pick("", target_id="5")[1].reason.code == Reason.UNKNOWN_TARGET
    assert scene.client.pick()[1].outcome == Pick.Result.PICKED


def test_malformed_events_are_said_and_forgotten(scene):
    scene.eyes.tell(TargetEvent.APPEARED, "9" * 300)
    scene.eyes.tell(77, "8")
    scene.eyes.events.publish(TargetEvent())
    scene.eyes.events.publish(TargetEvent(kind=TargetEvent.APPEARED))
    appeared(scene, "4")
    assert set(scene.pick.book._targets) == {"4"}


def process(tmp_path, *arguments):
    environment = for_process(domain_id=own_domain_id(), discovery="LOCALHOST")
    environment |= {
        "ROS_LOG_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    words = [sys.executable, "-m", "kosmos_ros.pick_node", *ARGUMENTS, "-r", "__ns:=/other", *arguments]
    return subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_as_a_process_it_stops_the_arm_and_ends_with_0_when_told_to(scene, tmp_path, told):
    client = Client(scene.client.node.context, "/other/pick")
    running = process(tmp_path)
    try:
        with spinning(scene.client.node.context, client.node):
            until(client.action.server_is_ready, 60)
            scene.arm.hold = "descend"
            handle = client.send("the red cup")
            until(lambda: scene.arm.targets)
            running.send_signal(told)
            status, result = client.result(handle)
            _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert (status, result.outcome, result.motion) == (
        GoalStatus.STATUS_ABORTED,
        Pick.Result.NOT_PICKED,
        Pick.Result.CANCELLED,
    )
    assert (running.returncode, "Traceback" in said) == (0, False), said


def test_as_a_process_it_says_what_is_wrong_with_a_parameter(tmp_path):
    running = process(tmp_path, "-p", "planner:=telekinesis")
    _, said = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "parameter planner is 'telekinesis'" in said
