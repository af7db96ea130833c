"""The grounding node over real topics: goals, service, standing phrases, refusals, faults, lifecycle."""

import random
from dataclasses import dataclass, field

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from kosmos_interfaces.action import Ground
from kosmos_interfaces.msg import Grounding, Reason, TargetEvent
from kosmos_interfaces.srv import Ground as GroundService
from kosmos_ros import qos, stamps
from kosmos_ros.camera_info import camera_info_message
from kosmos_ros.depth_images import depth_message
from kosmos_ros.grounding_node import GroundingNode
from kosmos_ros.images import image_message
from kosmos_ros.poses import quaternion
from kosmos_sim.world import Tabletop
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from ros_graph import graph, spin_until
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray

from kosmos_agent.grounder import Grounder
from kosmos_agent.robot.camera import Camera

FRAME, BASE, S = "camera_optical_frame", "base", 1_000_000_000


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop")


@pytest.fixture(scope="module")
def seen():
    """One table as the camera sees it, and the thing that is asked for."""
    with Tabletop.random(7) as world:
        return world.observe(depth_noise=False), f"the {world.target.colour} {world.target.category}", world.truth()[0]


@dataclass
class Robot:
    """A camera, a clock and a client around the node. Time stands still but for `tick`."""

    node: GroundingNode
    peer: object
    executor: object
    seen: object
    now_ns: int = 100 * S
    heard: dict = field(default_factory=dict)

    def __post_init__(self):
        make = self.peer.create_publisher
        self.colour = make(Image, "image_raw", qos.profile("sensor_out"))
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

    def hear(self, kind, topic, role="output"):
        kept = self.heard.setdefault(topic.rsplit("/", 1)[-1], [])
        self.peer.create_subscription(kind, topic, kept.append, qos.profile(role))

    def until(self, condition, timeout_s=30.0):
        return spin_until(self.executor, condition, timeout_s)

    def start(self):
        assert self.node.trigger_configure().name == "SUCCESS"
        assert self.node.trigger_activate().name == "SUCCESS"
        pictures = (self.colour, self.depth, self.info, self.static, self.clock, self.phrases)
        assert self.until(lambda: all(publisher.get_subscription_count() for publisher in pictures))
        assert self.ground.wait_for_server(10)
        assert self.find.wait_for_service(10)
        self.static.publish(TFMessage(transforms=[self.mount()]))
        assert self.until(lambda: FRAME in self.node._work.listener._buffer.frames)
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

    def shoot(self, *, stamp_ns=None, depth=True, info=True, scale=1.0, frame=FRAME):
        header = stamps.header(frame, self.now_ns if stamp_ns is None else stamp_ns)
        store, height, width = self.node._work.store, *self.seen.rgb.shape[:2]
        if info:
            self.info.publish(camera_info_message(Camera.from_matrix(self.seen.intrinsics, width, height), header))
            assert self.until(lambda: store._info is not None)
        if depth:
            before = store._depths[-1] if store._depths else None
            self.depth.publish(depth_message(self.seen.depth_m * scale, header))
            assert self.until(lambda: store._depths and store._depths[-1] is not before)
        before = store.seen
        self.colour.publish(image_message(self.seen.rgb, header))
        assert self.until(lambda: store.seen > before)
        return header

    def ask(self, phrase, *, task=Ground.Goal.FIND, frame=BASE, want_3d=True):
        sent = self.ground.send_goal_async(
            Ground.Goal(task=task, phrase=phrase, want_3d=want_3d, target_frame=frame),
            feedback_callback=lambda message: self.heard.setdefault("feedback", []).append(message.feedback),
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


@pytest.fixture
def robot(tmp_path, grounder, seen):
    with graph(tmp_path) as (context, executor):
        given = {"use_sim_time": True, "target_frame": BASE, "diagnostics_period_sec": 0.1}
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        node = GroundingNode(load=lambda _: grounder, context=context, parameter_overrides=overrides)
        peer = rclpy.create_node("peer", context=context)
        executor.add_node(node)
        executor.add_node(peer)
        made = Robot(node, peer, executor, seen[0])
        made.start()
        yield made


def test_a_goal_is_answered_with_a_target_where_the_thing_stands(robot, seen):
    header = robot.shoot()
    status, result = robot.result(robot.ask(seen[1]))
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert result.reason.code == Reason.NONE
    assert result.grounding.header == header
    assert result.grounding.status in (Grounding.FOUND, Grounding.AMBIGUOUS)
    assert result.grounding.target_reason.code == Reason.NONE
    target = result.grounding.targets[0]
    assert target.header.frame_id == BASE
    assert target.header.stamp == header.stamp
    assert target.id
    assert robot.until(lambda: robot.heard["answers"] and robot.heard["target_events"])
    assert robot.heard["target_events"][0].target.id == target.id
    again = robot.answer(seen[1]).grounding.targets[0]
    robot.tick(robot.now_ns + S // 10)
    robot.shoot()
    later = robot.answer(seen[1]).grounding.targets[0]
    assert again.id == later.id == target.id, "the same thing keeps its id"


def test_the_service_answers_too(robot, seen):
    robot.shoot()
    called = robot.find.call_async(GroundService.Request(phrase=seen[1]))
    assert robot.until(called.done)
    assert called.result().grounding.status in (Grounding.FOUND, Grounding.AMBIGUOUS)


def test_a_cancelled_caption_stops_before_its_end(robot):
    robot.shoot()
    whole = robot.answer("", task=Ground.Goal.CAPTION)
    assert whole.text.text
    worker, stopped = robot.node._work.worker, []
    written = worker._answering._text

    def held_at_the_third_token(view, goal, should_stop):
        job = worker._current

        def asked():
            if job.tokens == 3:
                job.token.wait(30)
                stopped.append(job)
            return should_stop()

        return written(view, goal, asked)

    worker._answering._text = held_at_the_third_token
    running, queued = robot.ask("", task=Ground.Goal.CAPTION), robot.ask("", task=Ground.Goal.CAPTION)
    assert robot.until(lambda: worker._current is not None and worker._current.tokens == 3)
    for handle in (queued, running):
        cancelled = handle.cancel_goal_async()
        assert robot.until(cancelled.done)
        assert len(cancelled.result().goals_canceling) == 1
    for handle in (running, queued):
        status, result = robot.result(handle)
        assert status == GoalStatus.STATUS_CANCELED
        assert result.reason.code == Reason.CANCELLED
    assert [job.tokens for job in stopped] == [3], "one began, and stopped where it was"
    worker._answering._text = written
    assert robot.answer("", task=Ground.Goal.CAPTION).text.text == whole.text.text, "the next one is answered"


def test_what_is_missing_is_refused_with_its_code(robot, seen):
    def reason(**options):
        return robot.answer(seen[1], **options).grounding.target_reason.code

    assert robot.answer(seen[1]).reason.code == Reason.NO_IMAGE
    robot.shoot(depth=False, info=False)
    assert reason() == Reason.NO_CAMERA_INFO
    robot.shoot(depth=False)
    assert reason() == Reason.NO_DEPTH_IMAGE
    robot.shoot(scale=1000.0)
    assert reason() == Reason.INVALID_DEPTH
    robot.tick(robot.now_ns + S // 10)
    robot.shoot()
    assert reason(frame="nowhere") == Reason.UNKNOWN_FRAME
    robot.shoot(stamp_ns=robot.now_ns + 5 * S)
    assert robot.answer(seen[1]).reason.code == Reason.CLOCK_SKEW
    robot.tick(robot.now_ns + 20 * S)
    assert robot.answer(seen[1]).reason.code == Reason.STALE_IMAGE
    robot.shoot()
    assert reason() == Reason.NONE, "and the camera that comes back is seen again"


def test_standing_phrases_are_answered_on_the_newest_picture_alone(robot, seen):
    robot.phrases.publish(String(data=f"{seen[1]}\nthe purple dragon"))
    assert robot.until(lambda: len(robot.node.settings.phrases) == 2)
    header = robot.shoot()
    assert robot.until(lambda: robot.heard["detections"])
    assert robot.heard["detections"][0].header == header
    assert robot.until(lambda: len(robot.heard["answers"]) == 2)
    assert {item.phrase for item in robot.heard["answers"]} == {seen[1], "the purple dragon"}
    robot.phrases.publish(String(data="a\u0001b"))
    assert robot.until(lambda: "invalid_phrase" in robot.codes())
    assert len(robot.node.settings.phrases) == 2
    robot.phrases.publish(String(data=""))
    assert robot.until(lambda: robot.node.settings.phrases == ())


def test_time_that_goes_back_forgets_pictures_and_tracks(robot, seen):
    robot.shoot()
    first = robot.answer(seen[1]).grounding.targets[0]
    robot.tick(3 * S)
    assert robot.codes()["time_jumped_back"] == 1
    assert robot.answer(seen[1]).reason.code == Reason.NO_IMAGE
    robot.shoot()
    again = robot.answer(seen[1]).grounding.targets[0]
    assert again.id not in ("", first.id), "an id is never used again"


def test_a_node_that_is_not_active_refuses_and_comes_back(robot, seen):
    robot.shoot()
    assert robot.node.trigger_deactivate().name == "SUCCESS"
    assert robot.node._work is None
    assert not robot.ask(seen[1]).accepted
    called = robot.find.call_async(GroundService.Request(phrase=seen[1]))
    assert robot.until(called.done)
    assert called.result().grounding.reason.code == Reason.NOT_ACTIVE
    assert robot.node.trigger_cleanup().name == "SUCCESS"
    assert robot.node._grounder is None
    assert robot.until(lambda: any("unconfigured" in m.status[0].message for m in robot.heard["diagnostics"]))
    robot.start()
    robot.shoot()
    assert robot.answer(seen[1]).reason.code == Reason.NONE


def test_a_thousand_malformed_messages_leave_it_answering(robot, seen):
    dice = random.Random(0)
    node, store = robot.node, robot.node._work.store
    robot.phrases.publish(String(data=seen[1]))
    assert robot.until(lambda: node.settings.phrases)
    for index in range(1000):
        picture = noise_image(dice)
        node._colour(store, picture)
        node._depth(store, noise_image(dice))
        store.add_info(noise_info(dice))
        node._phrases(String(data=noise_text(dice)))
        node._work.listener._moving(TFMessage(transforms=[noise_transform(dice) for _ in range(3)]))
        if index % 25 == 0:
            robot.colour.publish(picture)
            robot.depth.publish(noise_image(dice))
            robot.info.publish(noise_info(dice))
            robot.ask(noise_text(dice)[:40], frame=noise_text(dice)[:40])
        robot.executor.spin_once(timeout_sec=0)
    assert node._work.worker._thread.is_alive()
    assert "other" not in robot.codes(), node.health.snapshot()
    robot.tick(robot.now_ns + 50 * S)
    store.clear()
    robot.shoot()
    assert robot.answer(seen[1]).grounding.targets


def noise_text(dice):
    letters = "ab \n\t\x00<>/é\u202e名"
    return "".join(dice.choice(letters) for _ in range(dice.choice((0, 1, 5, 300, 20_000))))


def noise_stamp(dice):
    return stamps.Time(sec=dice.choice((-5, 0, 1, 99, 100, 2**31 - 1)), nanosec=dice.randrange(2**32))


def noise_image(dice):
    message = Image(
        height=dice.choice((0, 1, 7, 480, 2**32 - 1)),
        width=dice.choice((0, 1, 9, 640, 2**32 - 1)),
        step=dice.choice((0, 1, 27, 1920, 2560, 2**32 - 1)),
        encoding=dice.choice(("rgb8", "bgr8", "mono16", "32FC1", "16UC1", "bayer_rggb8", "", "nonsense", "yuv422")),
        is_bigendian=dice.choice((0, 1, 255)),
        data=dice.choice((b"", b"\x00" * 63, b"\xff" * 189, dice.randbytes(4000))),
    )
    message.header.stamp = noise_stamp(dice)
    message.header.frame_id = dice.choice(("", FRAME, "x" * 3000, "\u202e"))
    return message


def noise_info(dice):
    odd = (0.0, 1.0, -1.0, 600.0, float("nan"), float("inf"), 1e308)
    message = CameraInfo(
        height=dice.choice((0, 1, 480, 2**32 - 1)),
        width=dice.choice((0, 1, 640, 2**32 - 1)),
        distortion_model=dice.choice(("", "plumb_bob", "equidistant")),
        d=[dice.choice(odd) for _ in range(dice.choice((0, 1, 5, 8)))],
        k=[dice.choice(odd) for _ in range(9)],
        p=[dice.choice(odd) for _ in range(12)],
        binning_x=dice.choice((0, 2, 2**32 - 1)),
    )
    message.roi.width = dice.choice((0, 9, 2**32 - 1))
    return message


def noise_transform(dice):
    odd = (0.0, 1.0, float("nan"), float("inf"), 1e308)
    turn = Quaternion(x=dice.choice(odd), y=dice.choice(odd), z=0.0, w=dice.choice(odd))
    names = ("", "a", "b", "c", "/a", "\x00")
    made = TransformStamped(child_frame_id=dice.choice(names))
    made.transform = Transform(translation=Vector3(x=dice.choice(odd)), rotation=turn)
    made.header.frame_id, made.header.stamp = dice.choice(names), noise_stamp(dice)
    return made
