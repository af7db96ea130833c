"""The action `~/ground` and the service `~/find`: goals in, results out. Nothing here waits for the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from kosmos_interfaces.action import Ground
from kosmos_interfaces.srv import Ground as GroundService
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from kosmos_agent.errors import KosmosAgentError
from kosmos_ros import answers, stamps
from kosmos_ros.answering import Answered
from kosmos_ros.errors import NotActiveError
from kosmos_ros.goals import GroundGoal, ground_goal, ground_request, ground_result
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.waiting import finished
from kosmos_ros.worker import Job, Worker

RESULT_TIMEOUT_S = 300
FEEDBACK_PERIOD_S = 0.1
PHASES = {
    name: getattr(Ground.Feedback, name.upper())
    for name in ("waiting_for_image", "encoding", "grounding", "writing", "locating")
}


class GroundServer:
    """worker: the one of this moment; None while the node is not active. on_fault: told of what was refused."""

    def __init__(
        self,
        node: Node,
        worker: Callable[[], Worker | None],
        settings: Callable[[], GroundingSettings],
        on_fault: Callable[[KosmosAgentError], None],
    ) -> None:
        self._node, self._worker, self._settings, self._on_fault = node, worker, settings, on_fault
        self._jobs: dict[bytes, Job] = {}
        group = ReentrantCallbackGroup()
        self._server = ActionServer(
            node,
            Ground,
            "~/ground",
            execute_callback=self._execute,
            goal_callback=self._accept,
            cancel_callback=self._cancel,
            callback_group=group,
            result_timeout=RESULT_TIMEOUT_S,
        )
        self._service = node.create_service(GroundService, "~/find", self._find, callback_group=group)

    def close(self) -> None:
        self._server.destroy()
        self._node.destroy_service(self._service)

    def _accept(self, request: Ground.Goal) -> GoalResponse:
        try:
            ground_goal(request)
            self._active()
        except KosmosAgentError as error:
            self._on_fault(error)
            self._node.get_logger().warning(f"goal rejected: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        worker, job = self._worker(), self._jobs.get(_key(handle))
        if job is not None and worker is not None:
            worker.cancel(job)
        return CancelResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> Ground.Result:
        try:
            with self._told():
                job = self._job(ground_goal(handle.request), _feedback(handle))
                self._jobs[_key(handle)] = job
                if handle.is_cancel_requested:
                    job.token.cancel()
                self._active().submit(job)
            answered = await finished(self._node, job.future)
        except KosmosAgentError as error:
            if handle.is_cancel_requested:
                handle.canceled()
            else:
                handle.abort()
            return ground_result(error=error)
        finally:
            self._jobs.pop(_key(handle), None)
        handle.succeed()
        return ground_result(grounding=next(iter(answered.groundings), None), text=answered.text)

    async def _find(self, request: GroundService.Request, response: GroundService.Response) -> GroundService.Response:
        try:
            with self._told():
                job = self._job(ground_request(request), lambda phase, tokens: None)
                self._active().submit(job)
            answered: Answered = await finished(self._node, job.future)
            response.grounding = answered.groundings[0]
        except KosmosAgentError as error:
            response.grounding = answers.refusal(error, request.phrase[:256])
        return response

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What keeps a goal from being begun; of what comes later, the worker tells."""
        try:
            yield
        except KosmosAgentError as error:
            self._on_fault(error)
            raise

    def _active(self) -> Worker:
        worker = self._worker()
        if worker is None:
            raise NotActiveError("the node is not active; configure and activate it first")
        return worker

    def _job(self, goal: GroundGoal, progress: Callable[[str, int], None]) -> Job:
        timeout_s = goal.timeout_s or self._settings().goal_timeout_sec
        return Job(goal, time.monotonic() + timeout_s, progress, future=Future())


def _key(handle: ServerGoalHandle) -> bytes:
    return bytes(handle.goal_id.uuid)


def _feedback(handle: ServerGoalHandle) -> Callable[[str, int], None]:
    """Each new phase at once, tokens every so often."""
    start_s = time.monotonic()
    last: tuple[str, float] = ("", 0.0)

    def progress(phase: str, tokens: int) -> None:
        nonlocal last
        now_s = time.monotonic()
        if phase == last[0] and now_s - last[1] < FEEDBACK_PERIOD_S:
            return
        last = (phase, now_s)
        elapsed = stamps.duration_message(now_s - start_s)
        handle.publish_feedback(Ground.Feedback(phase=PHASES[phase], elapsed=elapsed, tokens=tokens))

    return progress
