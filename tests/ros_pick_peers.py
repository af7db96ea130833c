"""What a pick node talks to, scripted: a grounding node, an arm, a client. Real nodes of rclpy, no model."""

import queue
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import rclpy
from geometry_msgs.msg import PoseStamped
from kosmos_interfaces.action import Grasp, Ground, Pick
from kosmos_interfaces.msg import TargetEvent
from kosmos_ros import answers, qos, stamps
from kosmos_ros.goals import ground_result
from kosmos_ros.grasps import grasp_result, refused_grasp
from kosmos_ros.picks import PHASES
from kosmos_ros.targets import LocatedTarget, target_message
from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.task import Future
from std_msgs.msg import String

from kosmos_agent.errors import CancelledError, NoDepthError
from kosmos_agent.results import Box, Candidate, Frame, Grounding, Target3D
from kosmos_agent.robot.planner import PICK_PHASES, MotionOutcome

S = 1_000_000_000
WAIT_S, AGAIN_S = 30, 5


def target(place=(0.4, 0.0, 0.05), phrase="the red cup", frame_id="base", stamp_ns=S):
    return Target3D(
        phrase=phrase,
        frame_id=frame_id,
        stamp_ns=stamp_ns,
        position_m=place,
        size_m=(0.08, 0.07, 0.1),
        yaw_rad=0.5,
        extent_m=(0.08, 0.06),
        covariance_m2=(1e-6, 0, 0, 0, 1e-6, 0, 0, 0, 1e-6),
        support_height_m=0.0,
        points=500,
        box=Box(x1=0.4, y1=0.4, x2=0.5, y2=0.6),
        probability=0.9,
    )


@dataclass(frozen=True)
class Seen:
    """What the scripted grounding node answers once. places: of the candidates' targets; None: one without depth.

    again: with the picture of the answer before. hold: until cancelled. error: abort with it.
    """

    places: tuple = ((0.4, 0.0, 0.05),)
    status: str = "found"
    ids: tuple = ()
    frame_id: str = "base"
    again: bool = False
    hold: bool = False
    error: Exception | None = None
    back_ns: int = 0


NOTHING = Seen(places=(), status="not_found")


class ScriptedGrounding:
    """Answers goal after goal by `script`, the last entry again and again."""

    def __init__(self, context, name="grounding"):
        self.node = rclpy.create_node(name, context=context)
        self.script, self.asked, self.cancelled, self.reject = [Seen()], [], 0, 0
        self.gone = False
        self.stamp_ns = 100 * S
        self.events = self.node.create_publisher(TargetEvent, "~/target_events", qos.profile("output"))
        self.server = ActionServer(
            self.node,
            Ground,
            "~/ground",
            execute_callback=self.execute,
            goal_callback=self.accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def accept(self, goal):
        if self.reject:
            self.reject -= 1
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def execute(self, handle):
        seen = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.asked.append(handle.request)
        for phase in (1, 2, 3) if seen.status != "found" else (1, 2, 3, 5):
            handle.publish_feedback(Ground.Feedback(phase=phase))
        while seen.hold and not (handle.is_cancel_requested or self.gone):
            time.sleep(0.005)
        if handle.is_cancel_requested:
            self.cancelled += 1
            handle.canceled()
            return ground_result(error=CancelledError("stopped"))
        if seen.error is not None:
            handle.abort()
            return ground_result(error=seen.error)
        handle.succeed()
        return ground_result(grounding=self.message(handle.request.phrase, seen))

    def message(self, phrase, seen):
        self.stamp_ns += (0 if seen.again else S // 10) - seen.back_ns
        candidates = tuple(
            Candidate(box=Box(x1=0.4, y1=0.4, x2=0.5, y2=0.6), probability=0.9 - 0.1 * n)
            for n in range(len(seen.places))
        )
        frame = Frame(width=640, height=480, stamp_ns=self.stamp_ns, frame_id="camera_optical_frame")
        answer = Grounding(
            phrase=phrase,
            status=seen.status,
            count="one",
            candidates=candidates,
            presence=0.9,
            question="the left one or the right one?" if seen.status == "ambiguous" else None,
            frame=frame,
            model="scripted",
            timings_ms={},
        )
        located = [
            LocatedTarget(
                target(place, phrase, seen.frame_id, self.stamp_ns), n, seen.ids[n] if n < len(seen.ids) else ""
            )
            for n, place in enumerate(seen.places)
            if place is not None
        ]
        missing = NoDepthError("a hole in the depth") if seen.places and not located else None
        header = stamps.header("camera_optical_frame", self.stamp_ns)
        return answers.grounding_message(answer, header, image_age_s=0.1, targets=located, target_error=missing)

    def tell(self, kind, track_id, **options):
        message = target_message(LocatedTarget(target(**options), 0, track_id), 640, 480)
        self.events.publish(TargetEvent(kind=kind, target=message, sightings=1))


class ScriptedArm:
    """Goes through the phases; `hold`: stays in that phase until cancelled."""

    def __init__(self, context):
        self.node = rclpy.create_node("sim", context=context)
        self.targets, self.hold, self.reason, self.error = [], None, "done", None
        self.server = ActionServer(
            self.node,
            Grasp,
            "~/grasp",
            execute_callback=self.execute,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def reset(self):
        self.targets, self.hold, self.reason, self.error = [], None, "done", None

    def execute(self, handle):
        if self.error is not None:
            handle.abort()
            return refused_grasp(self.error)
        self.targets.append(handle.request.target)
        for phase in PICK_PHASES:
            handle.publish_feedback(Grasp.Feedback(phase=PHASES[phase]))
            time.sleep(0.03)  # a client drops what it hears of a goal after its result
            while phase == self.hold and not handle.is_cancel_requested and self.node.context.ok():
                time.sleep(0.005)
            if handle.is_cancel_requested:
                handle.canceled()
                return grasp_result(self.outcome(phase, "cancelled"))
        if self.reason == "done":
            handle.succeed()
        else:
            handle.abort()
        return grasp_result(self.outcome(phase, self.reason))

    def outcome(self, phase, reason):
        return MotionOutcome(succeeded=reason == "done", phase=phase, reason=reason, message=reason, duration_s=1.5)


class Client:
    """Asks the pick node and keeps what it hears."""

    def __init__(self, context, pick="/pick"):
        self.node = rclpy.create_node("client", context=context)
        # Sent from the client's own group, and again where a server just discovered never hears of it: see GoalCaller.
        own = MutuallyExclusiveCallbackGroup()
        self.action = ActionClient(self.node, Pick, f"{pick}/pick", callback_group=own)
        self.wishes = deque()
        self.sender = self.node.create_guard_condition(self.send_wishes, callback_group=own)
        self.said, self.poses, self.feedback = [], [], []
        group = ReentrantCallbackGroup()
        self.subscriptions = [
            self.node.create_subscription(String, f"{pick}/status", self.hear, 100, callback_group=group),
            self.node.create_subscription(
                PoseStamped, f"{pick}/grasp_pose", self.poses.append, 10, callback_group=group
            ),
        ]

    def hear(self, message):
        self.said.append(message.data)

    def send(self, phrase="", target_id="", timeout_s=0.0):
        self.feedback.clear()
        self.poses.clear()
        goal = Pick.Goal(phrase=phrase, target_id=target_id, timeout=stamps.duration_message(timeout_s))
        answers = queue.SimpleQueue()
        for _ in range(round(WAIT_S / AGAIN_S)):
            self.wishes.append((goal, answers))
            self.sender.trigger()
            with suppress(queue.Empty):
                return answers.get(timeout=AGAIN_S)
        raise AssertionError("it never answered")

    def send_wishes(self):
        while self.wishes:
            goal, answers = self.wishes.popleft()
            sent = self.action.send_goal_async(
                goal, feedback_callback=lambda heard: self.feedback.append(heard.feedback)
            )
            sent.add_done_callback(lambda done, answers=answers: answers.put(done.result()))

    def pick(self, phrase="the red cup", **options):
        """(status of the goal, result)."""
        return self.result(self.send(phrase, **options))

    def result(self, handle):
        assert handle.accepted
        answer = until_done(handle.get_result_async())
        return answer.status, answer.result


def until_done(future):
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    assert done.wait(WAIT_S), "it never answered"
    return future.result()


def until(condition, timeout_s=WAIT_S):
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it never came true"
        time.sleep(0.01)


class Spun:
    """Nodes on an executor of their own. Nodes are never taken from an executor that spins: rclpy does not bear it."""

    def __init__(self, context, *nodes):
        self.nodes, self.executor, self.enough = nodes, MultiThreadedExecutor(6, context=context), Future()
        for node in nodes:
            self.executor.add_node(node)
        self.thread = threading.Thread(
            target=self.executor.spin_until_future_complete, args=(self.enough,), daemon=True
        )
        self.thread.start()

    def stop(self):
        """From here on nothing is heard, sent or answered."""
        self.enough.set_result(None)
        self.thread.join(WAIT_S)

    def close(self):
        self.stop()
        self.executor.shutdown(WAIT_S)
        for node in self.nodes:
            node.destroy_node()


@contextmanager
def spinning(context, *nodes):
    """All nodes on one executor of many threads, and a pool for those who wait."""
    spun, pool = Spun(context, *nodes), ThreadPoolExecutor(2)
    try:
        yield spun, pool
    finally:
        spun.close()
        pool.shutdown()
