"""A camera, a clock and a client around the grounding node, over real topics. A simulated table, a real model."""

import functools
from contextlib import contextmanager
from dataclasses import dataclass, field

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from kosmos_interfaces.action import Ground
from kosmos_interfaces.msg import Grounding, TargetEvent
from kosmos_interfaces.srv import Ground as GroundService
from kosmos_ros import environment, qos, stamps
from kosmos_ros.camera_info import camera_info_message
from kosmos_ros.depth_images import depth_message
from kosmos_ros.grounding_node import GroundingNode
from kosmos_ros.images import compressed_message, image_message
from kosmos_ros.poses import quaternion
from kosmos_sim.world import Tabletop
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from ros_graph import graph, spin_until
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray

from kosmos_agent.grounder import Grounder
from kosmos_agent.robot.camera import Camera

FRAME, BASE, S = "camera_optical_frame", "base", 1_000_000_000


@functools.cache
def grounder():
    return Grounder.load("tabletop")


@dataclass(frozen=True)
class Table:
    """One table as the camera sees it, the thing that is asked for, and where it stands, metres."""

    seen: object
    phrase: str
    place: tuple


@functools.cache
def table():
    with Tabletop.random(7) as world:
        target = world.target
        return Table(
            world.observe(depth_noise=False), f"the {target.colour} {target.category}", tuple(world.truth()[0].middle_m)
        )


@dataclass
class Robot:
    """Time stands still but for `tick`. heard: messages by the last word of their topic."""

    node: GroundingNode
    peer: object
    executor: object
    seen: object
    now_ns: int = 100 * S
    heard: dict = field(default_factory=dict)

    def __post_init__(self):
        make = self.peer.create_publisher
        self.compressed = self.node.settings.image_transport == "compressed"
        self.open_camera()
        self.depth = make(Image, "depth/image_rect", qos.profile("sensor_out"))
        self.info = make(CameraInfo, "camera_info", qos.profile("sensor_out"))
        self.static = make(TFMessage, "/tf_static", qos.profile("tf_static"))
        self.moving = make(TFMessage, "/tf", qos.profile("tf"))
        self.clock = make(Clock, "/clock", 10)
        self.phrases = make(String, "/grounding/phrases", 10)
        self.ground = ActionClient(self.peer, Ground, "/grounding/ground")
        self.find = self.peer.create_client(GroundService, "/grounding/find")
        for kind, topic in (
            (Grounding, "answers"), (Detection2DArray, "detections"), (TargetEvent, "target_events"),
        ):  # fmt: skip
            self.hear(kind, f"/grounding/{topic}")
        self.hear(DiagnosticArray, "/diagnostics")

    def open_camera(self):
        kind, topic = (CompressedImage, "image_raw/compressed") if self.compressed else (Image, "image_raw")
        self.colour = self.peer.create_publisher(kind, topic, qos.profile("sensor_out"))

    def hear(self, kind, topic, role="output"):
        kept = self.heard.setdefault(topic.rsplit("/", 1)[-1], [])
        self.peer.create_subscription(kind, topic, kept.append, qos.profile(role))

    def until(self, condition, timeout_s=30.0):
        return spin_until(self.executor, condition, timeout_s)

    def start(self, *, clock=True):
        assert self.node.trigger_configure().name == "SUCCESS"
        assert self.node.trigger_activate().name == "SUCCESS"
        pictures = (self.colour, self.depth, self.info, self.static, self.clock, self.phrases)
        assert self.until(lambda: all(publisher.get_subscription_count() for publisher in pictures))
        assert self.ground.wait_for_server(10)
        assert self.find.wait_for_service(10)
        self.static.publish(TFMessage(transforms=[self.mount()]))
        assert self.until(lambda: FRAME in self.node._work.listener._buffer.frames)
        if clock:
            self.tick(self.now_ns)

    def mount(self):
        T = self.seen.T_base_camera
        x, y, z = (float(value) for value in T[:3, 3])
        a, b, c, w = (float(value) for value in quaternion(T[:3, :3]))
        pose = Transform(translation=Vector3(x=x, y=y, z=z), rotation=Quaternion(x=a, y=b, z=c, w=w))
        return TransformStamped(header=stamps.header(BASE, 0), child_frame_id=FRAME, transform=pose)

    def tick(self, now_ns):
        self.now_ns = now_ns
        self.clock.publish(Clock(clock=stamps.time_message(now_ns)))
        assert self.until(lambda: self.node.get_clock().now().nanoseconds == now_ns)

    def header(self, stamp_ns=None, frame=FRAME):
        return stamps.header(frame, self.now_ns if stamp_ns is None else stamp_ns)

    def shoot(self, *, stamp_ns=None, depth=True, info=True, scale=1.0, frame=FRAME, rgb=None):
        header, store = self.header(stamp_ns, frame), self.node._work.store
        height, width = self.seen.rgb.shape[:2]
        if info:
            self.info.publish(camera_info_message(Camera.from_matrix(self.seen.intrinsics, width, height), header))
            assert self.until(lambda: store._info is not None)
        if depth:
            self.give_depth(depth_message(self.seen.depth_m * scale, header))
        make = compressed_message if self.compressed else image_message
        self.give_colour(make(self.seen.rgb if rgb is None else rgb, header))
        return header

    def give_depth(self, message):
        store = self.node._work.store
        before = store._depths[-1] if store._depths else None
        self.depth.publish(message)
        assert self.until(lambda: store._depths and store._depths[-1] is not before)

    def give_colour(self, message):
        store = self.node._work.store
        before = store.seen
        self.colour.publish(message)
        assert self.until(lambda: store.seen > before)

    def stand(self, *phrases):
        self.phrases.publish(String(data="\n".join(phrases)))
        assert self.until(lambda: self.node.settings.phrases == phrases)

    def ask(self, phrase, *, task=Ground.Goal.FIND, frame=BASE, want_3d=True, timeout_s=0.0, **fields):
        goal = Ground.Goal(
            task=task,
            phrase=phrase,
            want_3d=want_3d,
            target_frame=frame,
            timeout=stamps.duration_message(timeout_s),
            **fields,
        )
        sent = self.ground.send_goal_async(
            goal, feedback_callback=lambda message: self.heard.setdefault("feedback", []).append(message.feedback)
        )
        assert self.until(sent.done)
        return sent.result()

    def result(self, handle):
        got = handle.get_result_async()
        assert self.until(got.done, 60)
        return got.result().status, got.result().result

    def answer(self, phrase, **options):
        return self.result(self.ask(phrase, **options))[1]

    def codes(self):
        return self.node.health.snapshot().refused

    def diagnosis(self, condition):
        """The next status that is so."""
        kept = self.heard["diagnostics"]
        kept.clear()
        assert self.until(lambda: any(condition(message.status[0]) for message in kept)), kept and kept[-1].status[0]
        return next(message.status[0] for message in kept if condition(message.status[0]))


@contextmanager
def robot_of(tmp_path, *, started=True, load=lambda _: grounder(), **parameters):
    # As every process that we start: without the profile, the node warns of it.
    with environment.applied(environment.for_process()), graph(tmp_path) as (context, executor):
        given = {"use_sim_time": True, "target_frame": BASE, "diagnostics_period_sec": 0.1, **parameters}
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        node = GroundingNode(load=load, context=context, parameter_overrides=overrides)
        peer = rclpy.create_node("peer", context=context)
        executor.add_node(node)
        executor.add_node(peer)
        made = Robot(node, peer, executor, table().seen)
        if started:
            made.start()
        yield made
