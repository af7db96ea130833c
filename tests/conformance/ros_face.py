"""The ROS face: the action `/grounding/ground` of a real node in this process, asked by a real client."""

import tempfile
from contextlib import contextmanager

from cases import Outcome
from rig import FRAME_ID, STALE_S, TIME_LIMIT_S

try:
    import rclpy
    from kosmos_interfaces.action import Ground
    from kosmos_interfaces.srv import Ground as GroundService
    from kosmos_ros import qos, stamps
    from kosmos_ros.answers import grounding_from_message
    from kosmos_ros.grounding_node import GroundingNode
    from kosmos_ros.images import image_message
    from rclpy.action import ActionClient
    from rclpy.parameter import Parameter
    from ros_graph import graph, spin_until
    from rosgraph_msgs.msg import Clock
    from sensor_msgs.msg import Image
except ImportError as error:
    MISSING = f"no ROS 2 here: {error.name} not installed"
else:
    MISSING = None

S = 1_000_000_000


class RosFace:
    """Simulated time, which stands still but for what the cases do with it."""

    name, missing = "ROS 2", MISSING

    @contextmanager
    def opened(self, rig):
        self._rig, self._now_ns = rig, 0
        with tempfile.TemporaryDirectory() as folder, graph(folder) as (context, self._executor):
            given = {"use_sim_time": True, "use_depth": False, "max_image_age_sec": 0.5}
            overrides = [Parameter(name, value=value) for name, value in given.items()]
            self._node = GroundingNode(load=lambda _: rig.grounder, context=context, parameter_overrides=overrides)
            peer = rclpy.create_node("peer", context=context)
            self._pictures = peer.create_publisher(Image, "image_raw", qos.profile("sensor_out"))
            self._clock = peer.create_publisher(Clock, "/clock", 10)
            self._ground = ActionClient(peer, Ground, "/grounding/ground")
            self._find = peer.create_client(GroundService, "/grounding/find")
            self._executor.add_node(self._node)
            self._executor.add_node(peer)
            self._start()
            yield self

    def run(self, case):
        self._rig.begin(case)
        self._set_scene(case)
        sent = self._ground.send_goal_async(self._goal(case))
        self._until(sent.done)
        handle = sent.result()
        if not handle.accepted:
            return self._why_rejected(case)
        if case.stop == "cancel":
            self._until(self._rig.began.is_set)
            cancelled = handle.cancel_goal_async()
            self._until(cancelled.done)
            self._rig.release.set()
        got = handle.get_result_async()
        self._until(got.done)
        return self._outcome(got.result().result)

    def _start(self):
        assert self._node.trigger_configure().name == "SUCCESS"
        assert self._node.trigger_activate().name == "SUCCESS"
        self._until(lambda: self._pictures.get_subscription_count() and self._clock.get_subscription_count())
        assert self._ground.wait_for_server(10)
        assert self._find.wait_for_service(10)

    def _set_scene(self, case):
        """A clock that goes back is how a node forgets its pictures."""
        store = self._node._work.store
        if case.picture == "none":
            self._tick(self._rig.stamp_ns)
            self._tick(self._rig.stamp_ns - S // 2)
            return
        self._tick(self._rig.stamp_ns)
        before = store.seen
        self._pictures.publish(image_message(self._rig.rgb, stamps.header(FRAME_ID, self._rig.stamp_ns)))
        self._until(lambda: store.seen > before)
        if case.picture == "stale":
            # The rig goes on from there: time that goes back would be another case.
            self._rig.stamp_ns += int(STALE_S * S)
            self._tick(self._rig.stamp_ns)

    def _tick(self, now_ns):
        self._clock.publish(Clock(clock=stamps.time_message(now_ns)))
        self._until(lambda: self._node.get_clock().now().nanoseconds == now_ns)

    def _goal(self, case):
        timeout = stamps.duration_message(TIME_LIMIT_S if case.stop == "timeout" else 30.0)
        return Ground.Goal(task=Ground.Goal.FIND, phrase=case.phrase, timeout=timeout)

    def _why_rejected(self, case):
        """ROS rejects a goal without a word; the service beside the action says why."""
        called = self._find.call_async(GroundService.Request(phrase=case.phrase))
        self._until(called.done)
        return Outcome.failed(called.result().grounding.reason.name)

    def _outcome(self, result):
        if result.reason.code:
            return Outcome.failed(result.reason.name)
        answer = grounding_from_message(result.grounding)
        frame = answer.frame.model_dump()
        image = tuple(frame[name] for name in ("stamp_ns", "width", "height", "frame_id"))
        age_s = stamps.duration_s(result.grounding.image_age)
        return Outcome.answered(answer.model_dump(mode="json"), answer.timings_ms, image, age_s)

    def _until(self, condition):
        assert spin_until(self._executor, condition, 60), "the graph does not answer"
