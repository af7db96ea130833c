"""The pick node: a phrase or a tracked target in, a thing held in the end, or the reason why not.

It asks the grounding node where the thing is until two looks agree, looks once more just before the motion, and hands
over to an arm that serves Grasp, or to whoever moves by `~/grasp_pose` and `~/collision_object`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future as WorkFuture
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from kosmos_interfaces.action import Pick
from kosmos_interfaces.msg import Grounding, TargetEvent
from rcl_interfaces.msg import SetParametersResult
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter

from kosmos_agent.errors import BusyError, KosmosAgentError, UnknownTargetError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.pick import PickReport, StepName, pick_by_sight
from kosmos_agent.robot.planner import Phase, Planner
from kosmos_ros import qos, ros_parameters
from kosmos_ros.clocks import WaryClock, on_jump_back
from kosmos_ros.goals import MAX_TIMEOUT_S, PickGoal, pick_goal
from kosmos_ros.grasp_client import GraspClient
from kosmos_ros.grounding_client import GroundingClient
from kosmos_ros.moveit import MoveItTypes, moveit_types
from kosmos_ros.pick_job import PickJob
from kosmos_ros.pick_outputs import PickOutputs, in_words
from kosmos_ros.picks import pick_result, refused_pick
from kosmos_ros.program import FINISH_S, run_program, spun
from kosmos_ros.remote_eyes import RemoteEyes, Wanted
from kosmos_ros.settings import PickSettings
from kosmos_ros.target_book import TargetBook
from kosmos_ros.turn import Turn
from kosmos_ros.waiting import finished

RESULT_TIMEOUT_S = 300
STOP_S = 10.0
TELL_S = 0.5
"""For the executor to send a result, which rclpy does some callbacks after the goal has ended."""
LOOK_AGAIN_S = 0.1
WARNING_PERIOD_S = 5.0
_WORDS: dict[StepName, str] = {
    "look": "a picture is waited for",
    "ground": "it is looked for",
    "locate": "it is located",
}


class PickNode(WaryClock, Node):
    """types: MoveIt's messages; asked for only where the planner is `moveit`, MissingDependencyError without them."""

    def __init__(self, *, name: str = "pick", types: Callable[[], MoveItTypes] = moveit_types, **options: Any) -> None:
        super().__init__(name, **options)
        self._closers: list[Callable[[], None]] = []
        self.settings = ros_parameters.declare(self, PickSettings)
        settings = self.settings
        self._outputs = PickOutputs(self, types() if settings.planner == "moveit" else None)
        self._planner = self._made_planner()
        self._client = GroundingClient(self, "ground", answer_timeout_s=settings.answer_timeout_sec)
        self._closers.append(self._client.close)
        self.book = TargetBook()
        self._turn = Turn()
        self._job: PickJob | None = None
        self._working: WorkFuture[tuple[bool, Pick.Result]] | None = None
        self._pool = ThreadPoolExecutor(1, "pick")
        self._group = ReentrantCallbackGroup()
        self._hear(TargetEvent, "target_events", self.book.hear)
        self._hear(Grounding, "answers", self.book.hear_answer)
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._take_parameters)
        self._closers.append(on_jump_back(self.get_clock(), self.book.clear).unregister)
        server = ActionServer(
            self,
            Pick,
            "~/pick",
            execute_callback=self._execute,
            goal_callback=self._accept,
            cancel_callback=self._cancel,
            callback_group=self._group,
            result_timeout=RESULT_TIMEOUT_S,
        )
        self._closers.append(server.destroy)
        # rclpy may miss the wake-up of a coroutine that it is just looking at; it looks again at the next event.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._look_again = self.create_timer(LOOK_AGAIN_S, lambda: None, callback_group=self._group, clock=steady)

    def stop(self) -> None:
        """Cancels the goal at work, waits until it has ended, and takes no other; call it while the node spins."""
        job, working = self._job, self._working
        if job is not None:
            job.token.cancel("the pick node ends; nothing was moved")
        if working is not None:
            wait([working], STOP_S)
        self._turn.close(FINISH_S)
        if working is not None:
            time.sleep(TELL_S)

    def destroy_node(self) -> None:
        if self._job is not None:
            self._job.token.cancel("the pick node ends; nothing was moved")
        self._pool.shutdown(wait=False, cancel_futures=True)
        while self._closers:
            self._closers.pop()()
        super().destroy_node()

    def _made_planner(self) -> Planner | None:
        settings = self.settings
        if settings.planner != "grasp_action":
            return None
        # The goal's own time limit is what ends a motion.
        arm = GraspClient(
            self,
            "grasp",
            frame_id=settings.target_frame,
            server_timeout_s=settings.arm_timeout_sec,
            motion_timeout_s=MAX_TIMEOUT_S,
        )
        self._closers.append(arm.close)
        return arm

    def _hear(self, kind: type, topic: str, take: Callable[[Any], None]) -> None:
        def heard(message: Any) -> None:
            try:
                take(message)
            except KosmosAgentError as error:
                self.get_logger().warning(f"{topic}: {error}", throttle_duration_sec=WARNING_PERIOD_S)

        self.create_subscription(kind, topic, heard, qos.profile("output"), callback_group=self._group)

    def _accept(self, request: Pick.Goal) -> GoalResponse:
        """One at a time. Malformed goals are accepted: only a result can say why they are refused."""
        if self._turn.reserve():
            return GoalResponse.ACCEPT
        self.get_logger().warning("a pick is under way; this goal is rejected")
        return GoalResponse.REJECT

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        job = self._job
        if job is not None and job.handle.goal_id == handle.goal_id:
            job.cancel()
        return CancelResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> Pick.Result:
        if not self._turn.begin():
            handle.abort()
            return refused_pick(BusyError("another pick began meanwhile; nothing was moved"))
        job = self._job = PickJob(handle)
        try:
            if handle.is_cancel_requested:
                job.cancel()
            working = self._working = self._pool.submit(self._worked, job)
            succeeded, result = await finished(self, working)
            job.end(succeeded=succeeded)
            return result
        finally:
            self._job = self._working = None
            self._turn.end()

    def _worked(self, job: PickJob) -> tuple[bool, Pick.Result]:
        """On the worker thread: whether the goal succeeded, and its result."""
        succeeded = False
        try:
            succeeded, result = self._picked(job)
        except KosmosAgentError as error:
            result = refused_pick(job.why(error))
        finally:
            job.close()
        self._outputs.say(result.message)
        return succeeded, result

    def _picked(self, job: PickJob) -> tuple[bool, Pick.Result]:
        settings, goal = self.settings, pick_goal(job.handle.request)
        job.limit(goal.timeout_s or settings.goal_timeout_sec)
        wanted = self._wanted(goal, settings)
        eyes = RemoteEyes(
            self._client,
            self.book,
            wanted,
            job.remaining_s,
            job.token,
            lambda stage, look: self._begin(job, stage, look),
        )

        def publish(target: Target3D) -> None:
            self._outputs.target(target, eyes.located.track_id if eyes.located is not None else "")

        def begin(phase: Phase) -> None:
            job.feedback(phase)
            self._outputs.say(f"the arm: {phase}")

        report = pick_by_sight(
            wanted.phrase,
            eyes,
            self._planner,
            max_looks=settings.max_looks,
            settled_m=settings.settled_m,
            recheck_m=settings.recheck_m,
            on_phase=begin,
            on_target=publish,
            cancel=job.token,
        )
        report = in_words(job.judged(report), settings.planner)
        return report.status in ("picked", "handed_over"), _result(report, eyes)

    def _wanted(self, goal: PickGoal, settings: PickSettings) -> Wanted:
        """UnknownTargetError: no such target, or it is known in another frame than the arm's."""
        if not goal.target_id:
            return Wanted(goal.phrase, settings.target_frame)
        last = self.book.find(goal.target_id)
        if last.frame_id != settings.target_frame:
            raise UnknownTargetError(
                f"target {goal.target_id!r} is tracked in frame {last.frame_id!r}, the arm's is "
                f"{settings.target_frame!r}; give the grounding node that target_frame"
            )
        return Wanted(last.phrase, settings.target_frame, goal.target_id, last, settings.recheck_m)

    def _begin(self, job: PickJob, stage: StepName, look: int) -> None:
        job.feedback(stage, look)
        self._outputs.say(f"look {look}: {_WORDS[stage]}")

    def _check_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        return ros_parameters.verdict(self.settings, parameters, configured=True)

    def _take_parameters(self, parameters: list[Parameter]) -> None:
        self.settings = ros_parameters.changed(self.settings, parameters, configured=True)


def _result(report: PickReport, eyes: RemoteEyes) -> Pick.Result:
    heard, located = eyes.heard, eyes.located
    if heard is None:
        raise AssertionError("a report without a look")
    return pick_result(
        report,
        heard.header,
        image_age_s=heard.image_age_s,
        track_id="" if located is None else located.track_id,
        candidate=0 if located is None else located.candidate,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when told to end by SIGINT or SIGTERM, 2 when it could not start."""
    return run_program("pick_node", _run, arguments)


def _run(end: threading.Event) -> int:
    node = PickNode()
    try:
        with spun(node, on_stop=end.set):
            end.wait()
            node.stop()
    finally:
        node.destroy_node()
    return 0


if __name__ == "__main__":
    sys.exit(main())
