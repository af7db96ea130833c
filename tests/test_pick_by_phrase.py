"""The pick logic over a ray-cast world and an arm that only keeps books."""

import threading

import numpy as np
import pytest
import raycast_scenes as scenes

from kosmos_agent.errors import CancelledError, InvalidArgumentError, NoDepthError, PlanningError
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.pick import Look, pick_by_phrase
from kosmos_agent.robot.planner import PICK_PHASES, MotionOutcome, PlaceGoal, Planner

POSE = scenes.camera_pose(0.2, 0.8, 0.8)


class World:
    """A can that may move between looks. `ground` knows its box; `status` is what it answers.

    blind: the looks, from 1, in which the sensor gives no depth at all.
    """

    def __init__(self, places=((0.0, 0.0),), status="found", blind=()):
        self.places, self.status, self.looks, self.blind = list(places), status, 0, blind

    def see(self):
        x, y = self.places[min(self.looks, len(self.places) - 1)]
        self.looks += 1
        self.picture = scenes.render([scenes.can(x, y, 0.033, 0.11)], POSE)
        rgb = np.zeros((*self.picture.depth_m.shape, 3), np.uint8)
        depth_m = self.picture.depth_m * (self.looks not in self.blind)
        return Look(rgb, depth_m, self.picture.camera, POSE, stamp_ns=self.looks)

    def ground(self, look, phrase):
        assert look.stamp_ns == self.looks
        boxes = () if self.status == "not_found" else (self.picture.box(),)
        return scenes.answer(*boxes, phrase=phrase, status=self.status)


class Arm:
    frame_id = "base"

    def __init__(self, reason="done", reach_m=1.0):
        self.reason, self.reach_m, self.targets = reason, reach_m, []

    def pick(self, target, *, on_phase=None, cancel=None):
        if np.linalg.norm(target.position_m) > self.reach_m:
            raise PlanningError("out of reach")
        self.targets.append(target)
        for phase in PICK_PHASES:
            if on_phase is not None:
                on_phase(phase)
        return MotionOutcome(
            succeeded=self.reason == "done", phase=phase, reason=self.reason, message=self.reason, duration_s=1.0
        )

    def place(self, goal, *, on_phase=None, cancel=None):
        raise NotImplementedError


def run(world, arm, **options):
    return pick_by_phrase("the red can", world.see, world.ground, arm, **options)


def test_the_arm_is_a_planner():
    assert isinstance(Arm(), Planner)


def test_found_twice_at_one_place_is_picked_there():
    world, arm, phases, steps = World(), Arm(), [], []
    report = run(world, arm, on_phase=phases.append, on_step=steps.append)
    assert report.picked
    assert report.status == "picked"
    assert tuple(phases) == PICK_PHASES
    assert [(step.name, step.look) for step in report.steps] == [
        ("look", 1), ("ground", 1), ("locate", 1), ("look", 2), ("ground", 2), ("locate", 2), ("pick", 2),
    ]  # fmt: skip
    assert tuple(steps) == report.steps
    assert all(step.duration_ms >= 0 for step in steps)
    np.testing.assert_allclose(arm.targets[0].position_m, (0, 0, 0.055), atol=0.002)
    assert report.target == arm.targets[0]


def test_one_look_may_be_enough():
    world = World()
    assert run(world, Arm(), max_looks=1).picked
    assert world.looks == 1


def test_what_moved_once_is_picked_where_it_came_to_rest():
    world, arm = World([(0.0, 0.0), (0.06, 0.02)]), Arm()
    assert run(world, arm).picked
    assert world.looks == 3
    np.testing.assert_allclose(arm.targets[0].position_m[:2], (0.06, 0.02), atol=0.003)


def test_a_look_without_depth_is_one_that_does_not_agree():
    arm = Arm()
    assert run(World(blind=(1,)), arm).picked
    assert len(arm.targets) == 1
    with pytest.raises(NoDepthError):
        run(World(blind=(2, 3)), Arm())


def test_what_keeps_moving_is_left_alone():
    world, arm = World([(0.05 * step, 0.0) for step in range(4)]), Arm()
    report = run(world, arm)
    assert report.status == "moving"
    assert report.outcome is None
    assert not arm.targets
    assert "3 looks" in report.message


@pytest.mark.parametrize("status", ["not_found", "ambiguous", "cannot_tell"])
def test_other_answers_end_without_motion(status):
    arm = Arm()
    report = run(World(status=status), arm)
    assert report.status == status
    assert report.answer.status == status
    assert report.outcome is None
    assert report.target is None
    assert not arm.targets
    assert "nothing was moved" in report.message


def test_an_ambiguous_answer_hands_its_question_on():
    world, arm = World(status="ambiguous"), Arm()

    def ground(look, phrase):
        return world.ground(look, phrase).model_copy(update={"question": "the left one or the right one?"})

    report = pick_by_phrase("the can", world.see, ground, arm)
    assert "the left one or the right one?" in report.message
    assert not arm.targets


def test_what_vanishes_before_the_second_look_is_not_found():
    world, arm = World(), Arm()
    original = world.ground

    def ground(rgb, phrase):
        world.status = "found" if world.looks == 1 else "not_found"
        return original(rgb, phrase)

    report = pick_by_phrase("the can", world.see, ground, arm)
    assert report.status == "not_found"
    assert not arm.targets


def test_a_grasp_that_does_not_hold_is_a_report():
    report = run(World(), Arm(reason="slipped"))
    assert report.status == "not_picked"
    assert report.outcome.reason == "slipped"
    assert report.message == "slipped"


def test_operational_errors_pass_through():
    world = World()
    with pytest.raises(PlanningError, match="out of reach"):
        run(world, Arm(reach_m=0.01))
    with pytest.raises(NoDepthError):
        run(World(blind=(1, 2, 3)), Arm())


def test_cancelling_between_steps_moves_nothing():
    token, arm = CancelToken(), Arm()
    with pytest.raises(CancelledError, match="enough"):
        run(World(), arm, cancel=token, on_step=lambda step: token.cancel("enough"))
    assert not arm.targets


def test_limits_are_checked():
    with pytest.raises(InvalidArgumentError, match="at least 1"):
        run(World(), Arm(), max_looks=0)


class TestCancelToken:
    def test_wakes_a_waiting_thread_and_keeps_the_first_reason(self):
        token, woken = CancelToken(), []
        thread = threading.Thread(target=lambda: woken.append(token.wait(5.0)))
        thread.start()
        token.cancel("first")
        token.cancel("second")
        thread.join(timeout=5.0)
        assert woken == [True]
        assert token.reason == "first"
        with pytest.raises(CancelledError, match="first"):
            token.raise_if_cancelled()

    def test_is_quiet_until_then(self):
        token = CancelToken()
        token.raise_if_cancelled()
        assert (token.cancelled, token.reason, token.wait(0.0)) == (False, "", False)


class TestPlaceGoal:
    def test_on_top_of_and_beside_a_target(self):
        arm = Arm()
        run(World(), arm)
        on, beside = PlaceGoal.on(arm.targets[0]), PlaceGoal.beside(arm.targets[0], (0.1, -0.2))
        np.testing.assert_allclose(on.position_m, (0, 0, 0.11), atol=0.003)
        np.testing.assert_allclose(beside.position_m, (0.1, -0.2, 0.0), atol=0.003)
        assert on.frame_id == "base"
