"""The grounding node over real topics: goals, service, standing phrases, refusals, lifecycle."""

import threading

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

from action_msgs.msg import GoalStatus
from kosmos_interfaces.action import Ground
from kosmos_interfaces.msg import Grounding, Reason
from kosmos_interfaces.srv import Ground as GroundService
from kosmos_ros import models, stamps
from kosmos_ros.depth_images import depth_message
from kosmos_ros.detections import box_message
from kosmos_ros.models import load_grounder
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.worker import MAX_WAITING
from ros_robot import BASE, S, robot_of, table
from std_msgs.msg import String

from kosmos_agent.errors import CancelledError
from kosmos_agent.results import Box


@pytest.fixture
def robot(tmp_path):
    with robot_of(tmp_path) as made:
        yield made


@pytest.fixture
def thing():
    """What is asked for."""
    return table().phrase


def test_a_goal_is_answered_with_a_target_where_the_thing_stands(robot, thing):
    header = robot.shoot()
    status, result = robot.result(robot.ask(thing))
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
    again = robot.answer(thing).grounding.targets[0]
    robot.tick(robot.now_ns + S // 10)
    robot.shoot()
    later = robot.answer(thing).grounding.targets[0]
    assert again.id == later.id == target.id, "the same thing keeps its id"


def test_the_service_answers_too(robot, thing):
    robot.shoot()
    called = robot.find.call_async(GroundService.Request(phrase=thing))
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


def test_what_is_missing_is_refused_with_its_code(robot, thing):
    def reason(**options):
        return robot.answer(thing, **options).grounding.target_reason.code

    assert robot.answer(thing).reason.code == Reason.NO_IMAGE
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
    assert robot.answer(thing).reason.code == Reason.CLOCK_SKEW
    robot.tick(robot.now_ns + 20 * S)
    assert robot.answer(thing).reason.code == Reason.STALE_IMAGE
    robot.shoot()
    assert reason() == Reason.NONE, "and the camera that comes back is seen again"
    refused = {"no_image", "no_camera_info", "no_depth_image", "invalid_depth", "unknown_frame", "clock_skew"}
    assert set(robot.codes()) == {*refused, "stale_image"}
    told = robot.diagnosis(lambda status: status.message.startswith("stale_image: "))
    assert told.level == told.WARN
    assert {f"refused: {code}" for code in refused} <= {item.key for item in told.values}


def test_standing_phrases_are_answered_on_the_newest_picture_alone(robot, thing):
    robot.phrases.publish(String(data=f"{thing}\nthe purple dragon"))
    assert robot.until(lambda: len(robot.node.settings.phrases) == 2)
    header = robot.shoot()
    assert robot.until(lambda: robot.heard["detections"])
    assert robot.heard["detections"][0].header == header
    assert robot.until(lambda: len(robot.heard["answers"]) == 2)
    assert {item.phrase for item in robot.heard["answers"]} == {thing, "the purple dragon"}
    robot.phrases.publish(String(data="a\u0001b"))
    assert robot.until(lambda: "invalid_phrase" in robot.codes())
    robot.phrases.publish(String(data="the \u202e cup"))
    assert robot.until(lambda: "invalid_argument" in robot.codes()), "what no parameter takes is said too"
    assert len(robot.node.settings.phrases) == 2
    robot.phrases.publish(String(data=""))
    assert robot.until(lambda: robot.node.settings.phrases == ())


def test_a_node_that_is_not_active_refuses_and_comes_back(robot, thing):
    robot.shoot()
    assert robot.node.trigger_deactivate().name == "SUCCESS"
    assert robot.node._work is None
    assert not robot.ask(thing).accepted
    called = robot.find.call_async(GroundService.Request(phrase=thing))
    assert robot.until(called.done)
    assert called.result().grounding.reason.code == Reason.NOT_ACTIVE
    assert robot.node.trigger_cleanup().name == "SUCCESS"
    assert robot.node._grounder is None
    assert robot.until(lambda: any("unconfigured" in m.status[0].message for m in robot.heard["diagnostics"]))
    robot.start()
    robot.shoot()
    assert robot.answer(thing).reason.code == Reason.NONE


def test_every_task_is_answered_with_its_text(robot, thing):
    header = robot.shoot()
    height, width = robot.seen.rgb.shape[:2]
    box = Box(x1=0.4, y1=0.3, x2=0.6, y2=0.7)
    region = box_message(box, width, height)
    caption = robot.answer("", task=Ground.Goal.CAPTION)
    answer = robot.answer(f"What is next to {thing}?", task=Ground.Goal.ANSWER)
    described = robot.answer("", task=Ground.Goal.DESCRIBE, region=region)
    for result in (caption, answer, described):
        assert result.reason.code == Reason.NONE
        assert result.text.text
        assert result.text.header == header
        assert (result.text.image_width, result.text.image_height) == (width, height)
    assert any(0 < entity.boxes[0].size_x <= width for entity in caption.text.entities)
    (entity,) = described.text.entities
    assert (entity.boxes, entity.text) == ([region], described.text.text)
    phases = {message.phase for message in robot.heard["feedback"]}
    assert Ground.Feedback.WRITING in phases
    outside = box_message(box, width, height)
    outside.center.position.x = -1e6
    assert robot.answer("", task=Ground.Goal.DESCRIBE, region=outside).reason.code == Reason.INVALID_BOX


def test_depth_of_another_moment_is_not_used(robot, thing):
    def depth_after(milliseconds):
        robot.give_depth(depth_message(robot.seen.depth_m, robot.header(robot.now_ns + milliseconds * S // 1000)))
        return robot.answer(thing).grounding.target_reason

    robot.shoot(depth=False)
    late = depth_after(60)
    assert late.code == Reason.NO_DEPTH_IMAGE
    assert "60.0 ms from the picture; valid: 50 ms" in late.message
    assert depth_after(-40).code == Reason.NONE


def test_no_queue_builds_up_and_an_answer_says_how_old_its_picture_is(robot, thing):
    answering, go, begun = robot.node._work.worker._answering, threading.Event(), threading.Event()
    really = answering.standing

    def slow(phrases, shot):
        begun.set()
        assert go.wait(30)
        return really(phrases, shot)

    answering.standing = slow
    robot.stand(thing)
    first = robot.shoot()
    assert robot.until(begun.is_set)
    for _ in range(3):
        robot.tick(robot.now_ns + S // 10)
        last = robot.shoot()
    robot.tick(robot.now_ns + S // 4)
    go.set()
    assert robot.until(lambda: len(robot.heard["answers"]) == 2)
    assert [item.header for item in robot.heard["answers"]] == [first, last]
    assert stamps.duration_s(robot.heard["answers"][1].image_age) == pytest.approx(0.25)
    assert not robot.until(lambda: len(robot.heard["answers"]) > 2, 0.3)


class Held:
    """Texts are not written until `go`, and stop when they are told to."""

    def __init__(self, robot):
        self.robot, self.go, self.begun = robot, threading.Event(), threading.Event()
        self.answering = robot.node._work.worker._answering
        self.written, self.answering._text = self.answering._text, self.wait

    def wait(self, view, goal, should_stop):
        self.begun.set()
        while not self.go.wait(0.005):
            if should_stop():
                raise CancelledError("stopped while it was held")
        return self.written(view, goal, should_stop)


def test_a_goal_past_its_own_time_ends_as_timeout_and_the_next_is_answered(robot):
    robot.shoot()
    held = Held(robot)
    status, result = robot.result(robot.ask("", task=Ground.Goal.CAPTION, timeout_s=0.2))
    assert status == GoalStatus.STATUS_ABORTED
    assert (result.reason.code, result.text.text) == (Reason.TIMEOUT, "")
    assert "time limit ran out" in result.reason.message
    assert robot.codes()["timeout"] == 1
    held.go.set()
    assert robot.answer("", task=Ground.Goal.CAPTION).reason.code == Reason.NONE


def test_goals_wait_for_their_turn_and_one_too_many_is_busy(robot):
    robot.shoot()
    held = Held(robot)
    handles = [robot.ask("", task=Ground.Goal.CAPTION)]
    assert robot.until(held.begun.is_set)
    handles += [robot.ask("", task=Ground.Goal.CAPTION) for _ in range(MAX_WAITING)]
    assert robot.until(lambda: len(robot.node._work.worker._jobs) == MAX_WAITING)
    status, result = robot.result(robot.ask("", task=Ground.Goal.CAPTION))
    assert (status, result.reason.code) == (GoalStatus.STATUS_ABORTED, Reason.BUSY)
    assert f"valid: at most {MAX_WAITING}" in result.reason.message
    assert robot.codes() == {"busy": 1}
    for handle in handles[1:-1]:
        assert robot.until(handle.cancel_goal_async().done)
    held.go.set()
    ends = [robot.result(handle)[0] for handle in handles]
    succeeded, cancelled = GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED
    assert ends == [succeeded, *[cancelled] * (MAX_WAITING - 1), succeeded]


def test_goals_before_the_first_word_of_the_clock_wait_for_it(tmp_path, thing):
    with robot_of(tmp_path, started=False) as robot:
        robot.start(clock=False)
        status = robot.diagnosis(lambda status: "nothing comes on /clock" in status.message)
        assert status.level == status.STALE
        _, late = robot.result(robot.ask(thing, timeout_s=0.2))
        assert late.reason.code == Reason.TIMEOUT
        assert "nothing comes on /clock" in late.reason.message
        waiting = robot.ask(thing)
        assert robot.until(lambda: robot.node._work.worker._current is not None)
        robot.tick(robot.now_ns)
        robot.shoot()
        status, result = robot.result(waiting)
        assert (status, result.reason.code) == (GoalStatus.STATUS_SUCCEEDED, Reason.NONE)
        assert result.grounding.targets[0].header.frame_id == BASE


def test_a_core_is_left_for_the_pictures_unless_told_otherwise(monkeypatch):
    asked = []
    monkeypatch.setattr(models.Grounder, "load", lambda *_, threads, **__: asked.append(threads))
    for cores, threads in ((8, 7), (2, 1), (1, 1)):
        monkeypatch.setattr(models.os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        load_grounder(GroundingSettings())
        assert asked.pop() == threads
    load_grounder(GroundingSettings(threads=3))
    assert asked == [3]


def test_speed_is_bought_with_parameters():
    own = load_grounder(GroundingSettings()).profile
    for wish, expected in (("always", True), ("never", False)):
        profile = load_grounder(GroundingSettings(zoom=wish, both_ways=wish)).profile
        assert (profile.zoom, profile.both_ways) == (expected, expected)
        assert profile.mean_boxes == own.mean_boxes
    assert (own.zoom, own.both_ways) == (True, True), "what the embedded model wants"
