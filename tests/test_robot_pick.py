"""Pick by phrase: what moves the arm and what does not, with eyes, world and arm that are told what to do."""

import numpy as np
import pytest
import raycast_scenes as scenes

from kosmos_agent.errors import CancelledError, InvalidArgumentError, NoDepthError, PlanningError
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.pick import Look, pick_by_phrase
from kosmos_agent.robot.planner import MotionOutcome

POSE = scenes.camera_pose(0.3, 0.8, 0.8)
HERE = scenes.render([scenes.can(0.0, 0.0, 0.03, 0.1)], POSE)
THERE = scenes.render([scenes.can(0.12, 0.0, 0.03, 0.1)], POSE)
PHRASE = "the thing"


def look(picture, depth_m=None):
    depth_m = picture.depth_m if depth_m is None else depth_m
    rgb = np.zeros((*depth_m.shape, 3), np.uint8)
    return Look(rgb, depth_m, picture.camera, POSE, stamp_ns=7)


def blind(picture):
    return np.zeros_like(picture.depth_m)


class Arm:
    """Remembers its targets; ends as it was told."""

    frame_id = "base"

    def __init__(self, succeeded=True, error=None):
        self.succeeded, self.error, self.targets = succeeded, error, []

    def pick(self, target, *, on_phase=None, cancel=None):
        if self.error is not None:
            raise self.error
        self.targets.append(target)
        reason = "done" if self.succeeded else "nothing_held"
        return MotionOutcome(succeeded=self.succeeded, phase="lift", reason=reason, message=reason, duration_s=1.0)

    def place(self, goal, *, on_phase=None, cancel=None):
        raise AssertionError("nothing was to be placed")


def pick(looks, arm, statuses=None, **options):
    """Runs through (picture, depth) looks in turn."""
    seen = iter(looks)
    told = iter(statuses or ["found"] * len(looks))
    current = []

    def see():
        picture, depth_m = next(seen)
        current[:] = [picture]
        return look(picture, depth_m)

    def ground(shown, phrase):
        assert shown.stamp_ns == 7
        status = next(told)
        boxes = [] if status == "not_found" else [current[0].box()]
        return scenes.answer(*boxes, phrase=phrase, status=status)

    return pick_by_phrase(PHRASE, see, ground, arm, **options)


def test_two_looks_that_agree_move_the_arm_to_what_was_seen():
    arm = Arm()
    report = pick([(HERE, None), (HERE, None)], arm)
    assert report.status == "picked"
    assert [target.position_m for target in arm.targets] == [report.target.position_m]
    assert report.target.position_m[:2] == pytest.approx((0, 0), abs=0.01)
    assert [(step.name, step.look) for step in report.steps] == [
        *(("look", 1), ("ground", 1), ("locate", 1), ("look", 2), ("ground", 2), ("locate", 2)),
        ("pick", 2),
    ]


@pytest.mark.parametrize("status", ["not_found", "ambiguous", "cannot_tell"])
def test_without_a_clear_answer_nothing_moves(status):
    arm = Arm()
    report = pick([(HERE, None)], arm, [status])
    assert report.status == status
    assert not arm.targets
    assert report.outcome is None
    assert "nothing was moved" in report.message


def test_a_thing_that_is_gone_at_the_second_look_is_not_reached_for():
    arm = Arm()
    assert pick([(HERE, None), (HERE, None)], arm, ["found", "not_found"]).status == "not_found"
    assert not arm.targets


def test_a_thing_that_moves_between_looks_is_left_alone():
    arm = Arm()
    report = pick([(HERE, None), (THERE, None), (HERE, None)], arm)
    assert report.status == "moving"
    assert not arm.targets


def test_a_thing_that_settles_is_picked_where_it_came_to_rest():
    arm = Arm()
    report = pick([(HERE, None), (THERE, None), (THERE, None)], arm)
    assert report.status == "picked"
    assert arm.targets[0].position_m[0] == pytest.approx(0.12, abs=0.01)


def test_one_look_without_depth_is_looked_over():
    arm = Arm()
    assert pick([(HERE, blind(HERE)), (HERE, None), (HERE, None)], arm).picked
    with pytest.raises(NoDepthError):
        pick([(HERE, None), (HERE, blind(HERE)), (HERE, blind(HERE))], Arm())


def test_a_single_look_can_be_trusted_on_request():
    arm = Arm()
    assert pick([(HERE, None)], arm, max_looks=1).picked
    with pytest.raises(InvalidArgumentError):
        pick([(HERE, None)], arm, max_looks=0)


def test_an_arm_that_holds_nothing_says_so():
    report = pick([(HERE, None)] * 2, Arm(succeeded=False))
    assert report.status == "not_picked"
    assert report.outcome.reason == "nothing_held"


def test_planning_errors_pass_through():
    with pytest.raises(PlanningError, match="too far"):
        pick([(HERE, None)] * 2, Arm(error=PlanningError("too far")))


def test_a_cancel_stops_before_the_next_stage():
    arm, token, steps = Arm(), CancelToken(), []

    def cancel_after_locate(step):
        steps.append(step.name)
        if step.name == "locate":
            token.cancel()

    with pytest.raises(CancelledError):
        pick([(HERE, None)] * 2, arm, on_step=cancel_after_locate, cancel=token)
    assert steps == ["look", "ground", "locate"]
    assert not arm.targets
