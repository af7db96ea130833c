"""`ros find` and `ros pick`, and what they are made of, against scripted servers of real rclpy."""

import json
import os
import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from kosmos_interfaces.action import Ground, Pick
from kosmos_ros import answers, asking, stamps
from kosmos_ros.errors import ProcessEndedError, RemoteError
from kosmos_ros.goal_calls import GoalCall
from kosmos_ros.goals import ground_result
from kosmos_ros.picks import PHASES, pick_result, refused_pick
from kosmos_ros.session import open_session
from kosmos_ros.targets import LocatedTarget
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from ros_domain import own_domain_id
from ros_pick_peers import target

from kosmos_agent.cli.app import main
from kosmos_agent.errors import BusyError, GoalTimeoutError, NoDepthError, NoDepthImageError, PlanningError
from kosmos_agent.results import Box, Candidate, Frame, Grounding
from kosmos_agent.robot.pick import PickReport
from kosmos_agent.robot.planner import MotionOutcome

PHRASE = "the red cup"
HEADER = stamps.header("camera_optical_frame", 5_000_000_000)
ANSWER = Grounding(
    phrase=PHRASE,
    status="found",
    candidates=(Candidate(box=Box(x1=0.4, y1=0.4, x2=0.5, y2=0.6), probability=0.9),),
    presence=0.99,
    frame=Frame(width=640, height=480, stamp_ns=5_000_000_000, frame_id="camera_optical_frame"),
    model="scripted",
    timings_ms={"query": 3.0},
)
DONE = MotionOutcome(succeeded=True, phase="lift", reason="done", message="held", duration_s=4.0)


def grounded(status="found", error=None):
    answer = ANSWER.model_copy(update={"status": status})
    located = [] if error else [LocatedTarget(target())]
    message = answers.grounding_message(answer, HEADER, image_age_s=0.25, targets=located, target_error=error)
    return ground_result(grounding=message)


def picked(status="picked", outcome=DONE):
    report = PickReport(
        phrase=PHRASE, status=status, message=status, answer=ANSWER, target=target(), outcome=outcome, steps=()
    )
    return pick_result(report, HEADER, image_age_s=0.25)


@pytest.fixture(scope="module")
def domain_id(tmp_path_factory):
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_LOG_DIR"] = str(tmp_path_factory.mktemp("log"))
    return own_domain_id()


@pytest.fixture(scope="module")
def served(domain_id):
    """What the scripted nodes give and got. result: the next one, or `hold`: until cancelled."""
    script = SimpleNamespace(result=None, accept=True, phases=(), goals=[], cancelled=threading.Event())
    context = rclpy.Context()
    rclpy.init(args=[], context=context, domain_id=domain_id)
    executor = MultiThreadedExecutor(4, context=context)
    servers = []

    def execute(handle):
        script.goals.append(handle.request)
        for phase in script.phases:
            handle.publish_feedback(Pick.Feedback(phase=PHASES[phase], look=1))
        if script.result == "hold":
            script.cancelled.wait(20)
            handle.canceled()
            return Pick.Result()
        handle.succeed()
        return script.result

    def cancel(_):
        script.cancelled.set()
        return CancelResponse.ACCEPT

    nodes = [Node(name, context=context, use_global_arguments=False) for name in ("grounding", "pick")]
    for node, kind, name in zip(nodes, (Ground, Pick), ("~/ground", "~/pick"), strict=True):
        servers.append(
            ActionServer(
                node,
                kind,
                name,
                execute,
                goal_callback=lambda _: GoalResponse.ACCEPT if script.accept else GoalResponse.REJECT,
                cancel_callback=cancel,
                callback_group=ReentrantCallbackGroup(),
            )
        )
        executor.add_node(node)
    spinning = threading.Thread(target=executor.spin, daemon=True)
    spinning.start()
    yield script
    executor.shutdown()
    spinning.join()
    for server in servers:
        server.destroy()
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def script(served):
    """Fresh for each test."""
    served.result, served.accept, served.phases = None, True, ()
    served.goals.clear()
    served.cancelled.clear()
    return served


@pytest.fixture(scope="module")
def session(domain_id):
    with open_session(domain_id) as session:
        yield session


def test_an_answer_comes_with_its_targets_and_the_age_of_its_picture(session, script):
    script.result = grounded()
    found = asking.find(session, PHRASE, target_frame="base", max_results=2)
    assert found.answer.status == "found"
    assert found.answer.best.box.corners == pytest.approx(ANSWER.best.box.corners)
    assert [located.target.position_m for located in found.targets] == [target().position_m]
    assert (found.image_age_s, found.target_error) == (0.25, None)
    (goal,) = script.goals
    assert (goal.phrase, goal.task, goal.want_3d) == (PHRASE, Ground.Goal.FIND, True)
    assert (goal.target_frame, goal.max_results, goal.timeout.sec) == ("base", 2, 30)


def test_why_there_is_no_target_is_told_beside_the_answer(session, script):
    script.result = grounded(error=NoDepthImageError("no depth with this picture"))
    found = asking.find(session, PHRASE)
    assert found.targets == ()
    assert "no depth with this picture" in str(found.target_error)


def test_a_refusal_is_the_nodes_own_error(session, script):
    script.result = ground_result(error=NoDepthError("no depth"))
    with pytest.raises(RemoteError, match="no depth") as caught:
        asking.find(session, PHRASE)
    assert caught.value.code == NoDepthError.code


def test_a_word_on_the_goal_that_is_lost_is_asked_for_again(session, script, monkeypatch):
    caller, sent = session.caller(Ground, "/grounding/ground"), []
    really = caller.send

    def lost_once(goal):
        sent.append(goal)
        return GoalCall(frozenset()) if len(sent) == 1 else really(goal)

    monkeypatch.setattr(caller, "send", lost_once)
    monkeypatch.setattr("kosmos_ros.asking.SERVER_TIMEOUT_S", 2.0)
    script.result = grounded()
    assert asking.find(session, PHRASE).answer.status == "found"
    assert len(sent) >= 2


def test_no_word_on_the_goal_at_all_is_an_error(session, script, monkeypatch):
    monkeypatch.setattr(session.caller(Ground, "/grounding/ground"), "send", lambda goal: GoalCall(frozenset()))
    monkeypatch.setattr("kosmos_ros.asking.SERVER_TIMEOUT_S", 0.1)
    monkeypatch.setattr("kosmos_ros.asking._CANCEL_S", 0.1)
    with pytest.raises(GoalTimeoutError, match=r"within 0\.1 s"):
        asking.find(session, PHRASE)


def test_a_rejected_goal_is_an_error(session, script):
    script.accept = False
    with pytest.raises(BusyError, match="rejected"):
        asking.find(session, PHRASE)


def test_phases_are_heard_in_order(session, script):
    script.result, script.phases = picked(), ("look", "ground", "locate", "approach", "lift")
    heard = []
    result = asking.pick(session, PHRASE, on_feedback=lambda feedback: heard.append(feedback.phase))
    assert result.outcome == Pick.Result.PICKED
    assert heard
    assert heard == [PHASES[phase] for phase in script.phases][: len(heard)], "only the last may be overtaken"


def test_whoever_gives_up_cancels_the_goal(session, script, monkeypatch):
    script.result = "hold"
    monkeypatch.setattr(asking, "_MARGIN_S", 0.1)
    with pytest.raises(GoalTimeoutError):
        asking.pick(session, PHRASE, timeout_s=0.2)
    assert script.cancelled.wait(5)


def test_ctrl_c_cancels_the_goal(session, script):
    script.result, script.phases = "hold", ("look",)
    began = threading.Event()

    def unless():
        if began.is_set():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asking.pick(session, PHRASE, on_feedback=lambda _: began.set(), unless=unless)
    assert script.cancelled.wait(5)


def test_a_process_that_ended_is_not_waited_for(session, script):
    script.result = "hold"
    with pytest.raises(ProcessEndedError, match="pick ended"):
        asking.pick(session, PHRASE, unless=lambda: "pick ended" if script.goals else None)


def command(capsys, domain_id, *words):
    code = main(["ros", *words, "--domain-id", str(domain_id)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_find_prints_the_answer_and_where_it_is(capsys, domain_id, script):
    script.result = grounded()
    code, out, err = command(capsys, domain_id, "find", PHRASE)
    assert (code, err) == (0, "")
    assert out.startswith("found")
    assert "target: x 0.400  y 0.000  z 0.050 m in base" in out
    assert "250 ms old" in out


@pytest.mark.parametrize(("status", "code"), [("found", 0), ("not_found", 1), ("ambiguous", 1)])
def test_find_gives_one_json_object_and_its_exit_code(capsys, domain_id, script, status, code):
    script.result = grounded(status)
    got, out, _ = command(capsys, domain_id, "find", PHRASE, "--json")
    data = json.loads(out)
    assert (got, data["status"]) == (code, status)
    assert data["targets"][0]["position_m"] == [0.4, 0.0, 0.05]
    assert (data["image_age_s"], data["no_targets_because"]) == (0.25, None)


def test_pick_prints_the_phases_and_the_end(capsys, domain_id, script):
    script.result, script.phases = picked(), ("look", "ground", "approach", "approach", "lift")
    code, out, _ = command(capsys, domain_id, "pick", PHRASE)
    lines = out.splitlines()
    assert code == 0
    phases = ["look 1", "ground 1", "approach", "lift"]
    told = [line.split("  ")[0] for line in lines if line.split("  ")[0] in phases]
    assert told
    assert told == phases[: len(told)]
    assert "arm: done in lift after 4.0 s" in out
    assert lines[-1] == "picked: true"


def test_pick_gives_one_json_object_and_its_exit_code(capsys, domain_id, script):
    script.result = picked("not_found", outcome=None)
    code, out, _ = command(capsys, domain_id, "pick", PHRASE, "--json")
    data = json.loads(out)
    assert code == 1
    assert (data["picked"], data["status"], data["outcome"]) == (False, "not_found", None)


def test_a_refused_pick_is_one_line(capsys, domain_id, script):
    script.result = refused_pick(PlanningError("out of reach"))
    code, out, err = command(capsys, domain_id, "pick", PHRASE)
    assert (code, out) == (2, "")
    assert err == "kosmos-agent: out of reach\n"
