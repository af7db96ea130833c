"""The simulated robot as a node: what its camera sees, its clock and frames, and an arm that grasps.

Publishes pictures, depth, camera_info, /tf, /tf_static and /clock; serves `~/grasp` and, for grading alone, `~/judge`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence

from kosmos_interfaces.action import Grasp
from kosmos_interfaces.srv import Judge
from kosmos_sim.judge import LIFTED_M, Verdict
from kosmos_sim.planner import BASE_FRAME
from kosmos_sim.world import Tabletop
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from kosmos_agent.errors import BusyError, CancelledError, KosmosAgentError, PlanningError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.planner import Phase
from kosmos_ros import ros_parameters, stamps
from kosmos_ros.grasps import grasp_result, grasp_target, refused_grasp
from kosmos_ros.picks import PHASES
from kosmos_ros.program import FINISH_S, run_program, spun
from kosmos_ros.settings import SimCameraSettings
from kosmos_ros.sim_publishers import SimPublishers
from kosmos_ros.sim_world import Callbacks, SimWorld, lay_table
from kosmos_ros.turn import Turn
from kosmos_ros.waiting import finished

LOOK_AGAIN_S = 0.1


class SimCameraNode(Node):
    """Everything heavy happens on the thread of its SimWorld; its own clock is the wall's, for it makes /clock.

    on_end: called when the simulated world ends, also by itself. Errors of the table and of parameters pass through.
    """

    def __init__(self, *, on_end: Callable[[], None] = lambda: None, **options: object) -> None:
        super().__init__("sim", **options)
        self._closers: list[Callable[[], None]] = []
        self.settings = ros_parameters.declare(self, SimCameraSettings)
        self._turn = Turn()
        self._output = SimPublishers(self, self.settings)
        settings = self.settings
        self.world = SimWorld(
            lambda: lay_table(settings.seed, settings.instruction),
            lambda table: table.observe(settings.camera, settings.width, settings.height, settings.depth_noise),
            settings.rate_hz,
            Callbacks(self._output.clock, self._output.moment, on_end),
        )
        self._closers.append(self.world.stop)
        table = self.world.start()
        self._thing = f"the {table.target.colour} {table.target.category}"
        self._say(table)
        group = ReentrantCallbackGroup()
        self._grasp = ActionServer(
            self,
            Grasp,
            "~/grasp",
            execute_callback=self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=group,
        )
        self._closers.append(self._grasp.destroy)
        # rclpy may miss the wake-up of a coroutine that it is just looking at; it looks again at the next event.
        self._look_again = self.create_timer(LOOK_AGAIN_S, lambda: None, callback_group=group)
        self._judge = self.create_service(Judge, "~/judge", self._verdict, callback_group=group)

    def finish(self) -> None:
        """Stops the arm and the world, lets the executor end the goal at work, and takes no other."""
        self.world.stop()
        self._turn.close(FINISH_S)

    def destroy_node(self) -> None:
        """Stops the arm and the world first, or what was made of them."""
        while self._closers:
            self._closers.pop(0)()
        super().destroy_node()

    def _say(self, table: Tabletop) -> None:
        things = ", ".join(f"{item.colour} {item.category}" for item in table.items)
        self.get_logger().info(f"seed {self.settings.seed}: a table with {things}; to {table.instruction}")

    def _accept(self, goal: Grasp.Goal) -> GoalResponse:
        """One at a time; whoever comes second may ask again."""
        if self._turn.reserve():
            return GoalResponse.ACCEPT
        self.get_logger().warning("the arm is at work on another goal; this one is rejected")
        return GoalResponse.REJECT

    async def _execute(self, goal: ServerGoalHandle) -> Grasp.Result:
        if not self._turn.begin():
            goal.abort()
            return refused_grasp(BusyError("another grasp began meanwhile; nothing was moved"))
        try:
            return await self._grasped(goal)
        finally:
            self._turn.end()

    async def _grasped(self, goal: ServerGoalHandle) -> Grasp.Result:
        start_ns = self._output.clock_ns

        def begin(phase: Phase) -> None:
            elapsed_s = (self._output.clock_ns - start_ns) / stamps.NS_PER_S
            goal.publish_feedback(Grasp.Feedback(phase=PHASES[phase], elapsed=stamps.duration_message(elapsed_s)))

        try:
            target = self._in_base(grasp_target(goal.request))
            motion = self.world.pick(target, on_phase=begin, cancelled=lambda: goal.is_cancel_requested)
            outcome = await finished(self, motion)
        except KosmosAgentError as error:
            self.get_logger().warning(f"nothing was moved: {error}")
            _end(goal, succeeded=False, cancelled=isinstance(error, CancelledError))
            return refused_grasp(error)
        self.get_logger().info(f"{outcome.reason} in {outcome.phase} after {outcome.duration_s:.1f} s")
        _end(goal, succeeded=outcome.succeeded, cancelled=outcome.reason == "cancelled")
        return grasp_result(outcome)

    def _in_base(self, target: Target3D) -> Target3D:
        """The frame is called otherwise in the graph than in the simulation."""
        if target.frame_id != self.settings.base_frame:
            raise PlanningError(f"the target is in frame {target.frame_id!r}; valid: {self.settings.base_frame!r}")
        return target.model_copy(update={"frame_id": BASE_FRAME})

    async def _verdict(self, request: Judge.Request, response: Judge.Response) -> Judge.Response:
        try:
            verdict = await finished(self, self.world.verdict())
        except KosmosAgentError as error:
            response.message = str(error)
            return response
        response.picked, response.thing = verdict.picked, self._thing
        response.message = judged(verdict)
        return response


def judged(verdict: Verdict) -> str:
    """What was measured, in words."""
    words = f"it is {1e3 * verdict.lift_m:.0f} mm higher than it was, lifted means {1e3 * LIFTED_M:.0f} mm and it alone"
    moved = [f"{name} by {1e3 * far_m:.0f} mm" for name, far_m in verdict.moved_m.items()]
    return f"{words}; moved besides: {', '.join(moved) or 'nothing'}"


def _end(goal: ServerGoalHandle, *, succeeded: bool, cancelled: bool) -> None:
    """The goal's last state. Only what a client cancelled may end as canceled: a node that ends aborts."""
    if succeeded:
        goal.succeed()
    elif cancelled and goal.is_cancel_requested:
        goal.canceled()
    else:
        goal.abort()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when told to end by SIGINT or SIGTERM, 1 when the world ended by itself, 2 when it could not start."""
    return run_program("sim_camera_node", _run, arguments)


def _run(end: threading.Event) -> int:
    node = SimCameraNode(on_end=end.set)
    try:
        with spun(node, on_stop=end.set):
            end.wait()
            ended_by_itself = node.world.ended
            node.finish()
    finally:
        node.destroy_node()
    return 1 if ended_by_itself else 0


if __name__ == "__main__":
    sys.exit(main())
