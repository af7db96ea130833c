"""Answers as messages and back: nothing is lost on the way, and what comes in malformed is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

import ros_answers as made
from builtin_interfaces.msg import Duration
from kosmos_interfaces.action import Pick
from kosmos_interfaces.msg import Grounding as GroundingMessage
from kosmos_interfaces.msg import Reason
from kosmos_ros import answers, detections, errors, picks, reasons, stamps
from kosmos_ros.errors import RemoteError
from kosmos_ros.markers import target_markers
from kosmos_ros.targets import LocatedTarget, target_from_message, target_message
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from kosmos_agent import errors as agent_errors
from kosmos_agent.errors import CancelledError, InvalidArgumentError, InvalidBoxError, KosmosAgentError, NoDepthError
from kosmos_agent.results import Box, Candidate, Frame, Grounding


def over_the_wire(message):
    """Through the very bytes that DDS would carry."""
    return deserialize_message(serialize_message(message), type(message))


def close(ours, theirs):
    """Equal but for the rounding of pixels in double precision."""
    one, other = ours.model_dump(), theirs.model_dump()
    _compare(one, other)


def _compare(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            _compare(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            _compare(left, right)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9)
    else:
        assert one == other


def header_of(answer):
    return stamps.header(answer.frame.frame_id, answer.frame.stamp_ns)


@given(made.groundings)
@settings(max_examples=40)
def test_every_answer_comes_back(answer):
    message = over_the_wire(answers.grounding_message(answer, header_of(answer), image_age_s=0.25))
    assert message.header == header_of(answer)
    assert message.status != GroundingMessage.REFUSED
    assert (message.image_age.sec, message.image_age.nanosec) == (0, 250_000_000)
    close(answer, answers.grounding_from_message(message))


@given(made.texts)
@settings(max_examples=40)
def test_every_text_comes_back(text):
    width, height = text.frame.width, text.frame.height
    message = over_the_wire(answers.text_message(text, header_of(text), width, height, image_age_s=0.0))
    close(text, answers.text_from_message(message))


@given(made.targets, made.sides, made.sides, st.integers(0, 9), made.words)
@settings(max_examples=30)
def test_every_target_comes_back(target, width, height, candidate, track_id):
    message = over_the_wire(target_message(LocatedTarget(target, candidate, track_id), width, height))
    back = target_from_message(message)
    assert (back.candidate, back.track_id) == (candidate, track_id)
    close(target, back.target)
    pose = detections.pose_stamped(message)
    assert pose.header == message.header
    assert (message.header.frame_id, stamps.stamp_ns(message.header.stamp)) == (target.frame_id, target.stamp_ns or 0)
    assert 2 * math.atan2(pose.pose.orientation.z, pose.pose.orientation.w) == pytest.approx(target.yaw_rad)


@given(made.pick_reports())
@settings(max_examples=30)
def test_every_pick_comes_back(report):
    result = over_the_wire(picks.pick_result(report, header_of(report.answer), image_age_s=0.1))
    close(report, picks.report_from_result(result))


def answer(status="found", count="many"):
    boxes = [Box(x1=0.1 * n, y1=0.2, x2=0.1 * n + 0.1, y2=0.4) for n in range(2)]
    candidates = tuple(Candidate(box=box, probability=0.9 - 0.1 * n) for n, box in enumerate(boxes))
    frame = Frame(width=640, height=480, stamp_ns=1_500_000_000, frame_id="camera_optical_frame")
    return Grounding(
        phrase="the red cup",
        status=status,
        count=count,
        candidates=candidates,
        presence=0.9,
        frame=frame,
        model="tabletop",
        timings_ms={},
    )


def located(track_id="3", candidate=0):
    target = made.Target3D(
        phrase="the red cup",
        frame_id="base",
        stamp_ns=1_500_000_000,
        position_m=(0.4, -0.1, 0.05),
        size_m=(0.1, 0.08, 0.1),
        yaw_rad=0.5,
        extent_m=(0.1, 0.07),
        covariance_m2=(1e-4, 0, 0, 0, 2e-4, 0, 0, 0, 3e-4),
        support_height_m=0.0,
        points=900,
        box=Box(x1=0.1, y1=0.2, x2=0.2, y2=0.4),
        probability=0.8,
    )
    return LocatedTarget(target, candidate, track_id)


def test_detections_follow_the_conventions_of_vision_msgs():
    header = header_of(answer())
    message = answers.grounding_message(answer(), header, image_age_s=0.0, targets=[located(candidate=1)])
    found = detections.detections_2d([message], header)
    assert found.header == header
    first, second = found.detections
    assert (first.header, first.id, second.id) == (header, "", "3")
    assert first.results[0].hypothesis.class_id == "the red cup"
    assert first.results[0].hypothesis.score == pytest.approx(0.9)
    assert (second.bbox.center.position.x, second.bbox.center.position.y) == pytest.approx((96, 144))
    assert (second.bbox.size_x, second.bbox.size_y) == pytest.approx((64, 96))
    assert min(first.results[0].pose.covariance[::7]) >= 1e6, "a box says nothing about where in space"


@pytest.mark.parametrize(
    ("status", "count", "shown"),
    [
        ("found", "one", 1),
        ("found", "many", 2),
        ("ambiguous", "one", 2),
        ("not_found", "one", 0),
        ("cannot_tell", "many", 0),
    ],
)
def test_detections_are_what_the_answer_stands_by(status, count, shown):
    header = header_of(answer())
    message = answers.grounding_message(answer(status, count), header, image_age_s=0.0)
    assert len(detections.detections_2d([message], header).detections) == shown


def test_a_refusal_is_no_detection():
    header = header_of(answer())
    assert not detections.detections_2d([answers.refusal(NoDepthError("none"), "x")], header).detections


def test_detections_in_metres_carry_size_and_covariance():
    message = target_message(located(), 640, 480)
    found = detections.detections_3d([message], message.header)
    assert (found.header.frame_id, found.detections[0].id) == ("base", "3")
    box = found.detections[0].bbox
    assert (box.size.x, box.size.y, box.size.z) == pytest.approx((0.1, 0.07, 0.1))
    covariance = np.reshape(found.detections[0].results[0].pose.covariance, (6, 6))
    np.testing.assert_allclose(np.diag(covariance)[:3], (1e-4, 2e-4, 3e-4))
    assert (np.diag(covariance)[3:] > 0.5).all(), "nothing claims to know the turn"


def test_markers_replace_those_before_and_go_by_themselves():
    message = target_message(located(), 640, 480)
    clear, box, label = target_markers([message], lifetime_s=1.5).markers
    assert clear.action == Marker.DELETEALL
    assert (box.header, box.type, box.pose) == (message.header, Marker.CUBE, message.pose)
    assert (box.lifetime.sec, box.lifetime.nanosec) == (1, 500_000_000)
    assert label.text == "the red cup 80 %"
    assert label.pose.position.z > box.pose.position.z + box.scale.z / 2
    assert box.id != label.id


def test_a_refusal_says_why_and_is_raised_again_where_it_arrives():
    message = over_the_wire(
        answers.refusal(NoDepthError("3 of 900 pixels\nheld a reading"), "the cup", Header(frame_id="c"))
    )
    assert (message.status, message.reason.code, message.phrase) == (
        GroundingMessage.REFUSED,
        Reason.NO_DEPTH,
        "the cup",
    )
    with pytest.raises(RemoteError, match="3 of 900 pixels held a reading") as caught:
        answers.grounding_from_message(message)
    assert caught.value.code == "no_depth"


def test_an_empty_message_is_never_an_answer():
    with pytest.raises(InvalidArgumentError, match="neither an answer nor a reason"):
        answers.grounding_from_message(GroundingMessage())
    with pytest.raises(InvalidArgumentError, match="neither outcome nor reason"):
        picks.report_from_result(Pick.Result())


def test_a_refused_pick_says_why():
    result = over_the_wire(picks.refused_pick(CancelledError("the caller asked to stop")))
    assert (result.outcome, result.reason.code) == (Pick.Result.REFUSED, Reason.CANCELLED)
    with pytest.raises(RemoteError, match="asked to stop"):
        picks.report_from_result(result)


def test_numbers_without_a_name_are_refused():
    good = answers.grounding_message(answer(), header_of(answer()), image_age_s=0.0)
    for field, words in (("status", "1 .found."), ("probability_kind", "1 .calibrated.")):
        bad = over_the_wire(good)
        setattr(bad, field, 77)
        with pytest.raises(InvalidArgumentError, match=f"77; valid: .*{words}"):
            answers.grounding_from_message(bad)


def test_a_box_outside_its_picture_is_refused():
    bad = answers.grounding_message(answer(), header_of(answer()), image_age_s=0.0)
    bad.candidates[0].bbox.center.position.x = -1e9
    with pytest.raises(InvalidBoxError, match="needs 0 <= x1"):
        answers.grounding_from_message(bad)


def every_error(kind=KosmosAgentError):
    yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


def test_every_number_of_reason_is_the_code_of_an_error():
    codes = {kind.code for kind in every_error()}
    assert set(reasons.CODES) <= codes
    for kind in (
        agent_errors.NoImageError,
        errors.TransformExtrapolationError,
        agent_errors.PlanningError,
        NoDepthError,
    ):
        assert reasons.reason_message(kind("x")).code not in (Reason.NONE, Reason.OTHER)


OF_THE_STARTER = {"no_server", "lifecycle_failed", "process_ended", "simulation_ended"}
"""Of whoever starts or drives nodes; what of them is ever sent goes as OTHER with its name."""


def test_every_error_of_this_wing_has_a_number():
    mine = {kind.code for kind in every_error() if kind.__module__ == "kosmos_ros.errors" and kind is not RemoteError}
    assert mine - OF_THE_STARTER <= set(reasons.CODES)
    assert mine >= OF_THE_STARTER


def test_a_code_without_a_number_keeps_its_name():
    class NewError(KosmosAgentError):
        code = "quite_new"

    reason = over_the_wire(reasons.reason_message(NewError("why " * 1000)))
    assert (reason.code, reason.name) == (Reason.OTHER, "quite_new")
    assert len(reason.message) <= reasons.MAX_MESSAGE_CHARACTERS
    assert reasons.error_from_reason(reason).code == "quite_new"
    assert reasons.error_from_reason(reasons.reason_message(None)) is None


@given(st.integers(0, (2**31 - 1) * 10**9))
def test_stamps_keep_every_nanosecond(stamp_ns):
    assert stamps.stamp_ns(stamps.time_message(stamp_ns)) == stamp_ns


@given(st.integers(-(10**15), 10**15))
def test_durations_keep_their_sign(microseconds):
    message = stamps.duration_message(microseconds / 1e6)
    assert 0 <= message.nanosec < 10**9
    assert stamps.duration_s(message) == pytest.approx(microseconds / 1e6, abs=1e-6)


def test_times_that_ros_cannot_hold_are_refused():
    for stamp_ns in (-1, 2**31 * 10**9):
        with pytest.raises(InvalidArgumentError, match="valid: 0 to"):
            stamps.time_message(stamp_ns)
    for seconds in (math.nan, math.inf, 1e10):
        with pytest.raises(InvalidArgumentError, match="valid: -"):
            stamps.duration_message(seconds)
    assert stamps.duration_message(-0.25) == Duration(sec=-1, nanosec=750_000_000)
