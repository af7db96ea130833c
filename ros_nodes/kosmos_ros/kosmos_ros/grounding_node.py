"""The grounding node: pictures and phrases in; answers, detections and targets in metres out.

Lifecycle: `configure` loads the model, `activate` subscribes and starts the inference thread, `deactivate` ends both
and frees the pictures, `cleanup` frees the model. `autostart` does the first two by itself.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header, String

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError, NoImageError, StaleImageError
from kosmos_ros import diagnostics_out, qos, ros_parameters, stamps
from kosmos_ros.answering import Answered, Answering
from kosmos_ros.clocks import WaryClock, on_jump_back
from kosmos_ros.errors import ClockSkewError, TimeJumpedBackError
from kosmos_ros.frames_in import FrameStore
from kosmos_ros.goals import standing_phrases
from kosmos_ros.ground_action import GroundServer
from kosmos_ros.health import Health
from kosmos_ros.models import Model, load_grounder
from kosmos_ros.outputs import Outputs
from kosmos_ros.program import NOT_STARTED, run_program, spun
from kosmos_ros.qos_watch import QosWatch
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.tf_listener import TransformListener
from kosmos_ros.tracks import Tracks
from kosmos_ros.transforms import TransformBuffer
from kosmos_ros.worker import Worker

Load = Callable[[GroundingSettings], Model]


@dataclass(eq=False)
class _Work:
    """All that lives only while the node is active."""

    store: FrameStore
    tracks: Tracks
    worker: Worker
    listener: TransformListener
    subscriptions: list[Subscription]
    watch: QosWatch


class GroundingNode(WaryClock, LifecycleNode):
    """load: how the model comes; tests share one."""

    def __init__(self, *, load: Load = load_grounder, name: str = "grounding", **options: object) -> None:
        super().__init__(name, **options)
        self.settings = ros_parameters.declare(self, GroundingSettings)
        self.health = Health()
        self._load = load
        self._grounder: Model | None = None
        self._outputs: Outputs | None = None
        self._work: _Work | None = None
        self._group = ReentrantCallbackGroup()
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._take_parameters)
        self._server = GroundServer(
            self, lambda: None if self._work is None else self._work.worker, lambda: self.settings, self.health.fail
        )
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.profile("output"))
        # On a simulated clock they would fall silent with it, just when somebody asks what is wrong.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        period_s = self.settings.diagnostics_period_sec
        self._ticker = self.create_timer(period_s, self._diagnose, callback_group=self._group, clock=steady)
        self._watcher = self.create_timer(
            self.settings.qos_check_period_sec, self._watch, callback_group=self._group, clock=steady
        )
        self._jump_handle = on_jump_back(self.get_clock(), self._jumped)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            self._grounder = self._load(self.settings)
        except (KosmosAgentError, OSError, RuntimeError, ValueError) as error:
            # rclpy would swallow it without a word.
            if isinstance(error, KosmosAgentError):
                self.health.fail(error)
            self.get_logger().error(f"the model cannot be loaded: {error}")
            return TransitionCallbackReturn.FAILURE
        for warning in self._grounder.warnings:
            self.get_logger().warning(warning)
        self._outputs = Outputs(self)
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        if self._grounder is None or self._outputs is None:
            return TransitionCallbackReturn.FAILURE
        done = super().on_activate(state)
        self._outputs.info(self._grounder.name)
        self._work = self._begin(self._grounder)
        self._watch()
        return done

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._end()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._free()

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._free()

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._free()

    def destroy_node(self) -> None:
        """Ends the inference thread first."""
        self._end()
        self._jump_handle.unregister()
        self._server.close()
        super().destroy_node()

    def _begin(self, grounder: Model) -> _Work:
        store = FrameStore(self._tell)
        transforms, tracks = TransformBuffer(self.settings.tf_history_sec), Tracks(self.settings)
        answering = Answering(grounder, store, transforms, tracks, lambda: self.settings, self._now_ns)
        worker = Worker(answering, lambda: self.settings, self._now_ns, self._answered, self.health.fail)
        worker.start()
        listener = TransformListener(self, transforms, group=self._group, on_refused=self.health.fail)
        subscriptions = self._subscribe(store)
        return _Work(store, tracks, worker, listener, subscriptions, QosWatch(self, subscriptions[:-1], self._warn))

    def _subscribe(self, store: FrameStore) -> list[Subscription]:
        """The last one is of the phrases, which nobody need publish."""
        raw = self.settings.image_transport == "raw"
        kind, topic = (Image, "image_raw") if raw else (CompressedImage, "image_raw/compressed")
        wanted: list[tuple[type, str, Callable[..., None], qos.Role]] = [
            (kind, topic, lambda message: self._colour(store, message), "sensor_in"),
            (CameraInfo, "camera_info", store.add_info, "sensor_in"),
        ]
        if self.settings.use_depth:
            wanted.append((Image, "depth/image_rect", lambda message: self._depth(store, message), "sensor_in"))
        wanted.append((String, "~/phrases", self._phrases, "output"))
        return [
            self.create_subscription(kind, topic, callback, qos.profile(role), callback_group=self._group)
            for kind, topic, callback, role in wanted
        ]

    def _end(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            for subscription in work.subscriptions:
                self.destroy_subscription(subscription)
            work.listener.close()
            work.worker.stop()

    def _free(self) -> TransitionCallbackReturn:
        self._end()
        if self._outputs is not None:
            self._outputs.close()
        self._grounder = self._outputs = None
        return TransitionCallbackReturn.SUCCESS

    def _colour(self, store: FrameStore, message: Image | CompressedImage) -> None:
        try:
            went_back = store.add_colour(message)
        except KosmosAgentError as error:
            self.health.fail(error)
            return
        if went_back:
            self._forget("the pictures' stamps went back")

    def _depth(self, store: FrameStore, message: Image) -> None:
        try:
            store.add_depth(message)
        except KosmosAgentError as error:
            self.health.fail(error)

    def _phrases(self, message: String) -> None:
        """One phrase a line; empty text clears them."""
        try:
            lines = standing_phrases(message.data)
        except KosmosAgentError as error:
            self.health.fail(error)
            return
        (done,) = self.set_parameters([Parameter("phrases", Parameter.Type.STRING_ARRAY, lines or [""])])
        if not done.successful:
            self.health.fail(InvalidArgumentError(done.reason))

    def _answered(self, answered: Answered) -> None:
        for fault in answered.faults:
            self.health.fail(fault)
        if answered.results or answered.text is not None:
            self.health.answer()
        if self._outputs is not None:
            self._outputs.answered(answered, self.settings)

    def bad_clock(self, error: ClockSkewError) -> None:
        super().bad_clock(error)
        self.health.fail(error)

    def _jumped(self) -> None:
        if self._work is not None:
            self._work.store.clear()
        self._forget("the clock went back")

    def _forget(self, what: str) -> None:
        self.health.fail(TimeJumpedBackError(f"{what}: pictures and tracked targets from before are dropped"))
        if self._work is not None:
            self._work.tracks.clear()

    def _tell(self) -> None:
        if self._work is not None:
            self._work.worker.tell()

    def _check_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        return ros_parameters.verdict(self.settings, parameters, configured=self._grounder is not None)

    def _take_parameters(self, parameters: list[Parameter]) -> None:
        self.settings = ros_parameters.changed(self.settings, parameters, configured=self._grounder is not None)
        self._tell()

    def _watch(self) -> None:
        work = self._work
        if work is not None:
            self.health.mismatch(work.watch.look())

    def _warn(self, sentence: str) -> None:
        self.get_logger().warning(sentence)

    def _diagnose(self) -> None:
        work, settings = self._work, self.settings
        status = diagnostics_out.status_message(
            self.get_fully_qualified_name(),
            self.health.snapshot(),
            state=self._state_machine.current_state[1],
            model="" if self._grounder is None else self._grounder.name,
            seen=0 if work is None else work.store.seen,
            image_age_s=None if work is None else self._image_age_s(work.store),
            max_age_s=settings.max_image_age_sec,
            clock_runs=self._now_ns() > 0,
        )
        header = Header(stamp=self.get_clock().now().to_msg())
        self._diagnostics.publish(diagnostics_out.array_message(status, header))

    def _image_age_s(self, store: FrameStore) -> float | None:
        now_ns = self._now_ns()
        try:
            shot = store.newest(now_ns, max_age_s=float("inf"), max_skew_s=float("inf"))
        except (NoImageError, StaleImageError, ClockSkewError):
            return None
        return (now_ns - shot.stamp_ns) / stamps.NS_PER_S

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when told to end by SIGINT or SIGTERM, 2 when it could not start."""
    return run_program("grounding_node", _run, arguments)


def _run(end: threading.Event) -> int:
    node = GroundingNode()
    try:
        with spun(node, on_stop=end.set):
            started = not node.settings.autostart or _activated(node)
            if started:
                end.wait()
    finally:
        node.destroy_node()
    return 0 if started else NOT_STARTED


def _activated(node: GroundingNode) -> bool:
    done = TransitionCallbackReturn.SUCCESS
    return node.trigger_configure() == done and node.trigger_activate() == done


if __name__ == "__main__":
    sys.exit(main())
