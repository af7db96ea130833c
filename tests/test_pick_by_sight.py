"""The settle logic: whatever the eyes see, the arm goes only where the last looks agree that the thing is."""

import numpy as np
import pytest
import raycast_scenes as scenes
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.errors import CancelledError, InvalidArgumentError, KosmosAgentError, NoDepthError
from kosmos_agent.results import Box, Target3D
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.pick import Sighting, pick_by_sight
from kosmos_agent.robot.planner import MotionOutcome

SETTLED_M, RECHECK_M = 0.02, 0.03
BOX = Box(x1=0.4, y1=0.4, x2=0.5, y2=0.6)


def target(x_m):
    return Target3D(
        phrase="the can",
        frame_id="base",
        stamp_ns=1,
        position_m=(x_m, 0.0, 0.05),
        size_m=(0.1, 0.1, 0.1),
        yaw_rad=0.0,
        extent_m=(0.1, 0.1),
        covariance_m2=(0.0,) * 9,
        support_height_m=0.0,
        points=100,
        box=BOX,
        probability=0.9,
    )


def sighting(seen):
    """A place along x in metres, a status, or an error."""
    if isinstance(seen, KosmosAgentError):
        return Sighting(scenes.answer(BOX), error=seen)
    if isinstance(seen, str):
        return Sighting(scenes.answer(*(() if seen == "not_found" else (BOX,)), status=seen))
    return Sighting(scenes.answer(BOX), target(seen))


class Eyes:
    def __init__(self, script):
        self.script, self.looks = script, 0

    def __call__(self, begin):
        for stage in ("look", "ground", "locate"):
            begin(stage)
        self.looks += 1
        return sighting(self.script[min(self.looks, len(self.script)) - 1])


class Arm:
    frame_id = "base"

    def __init__(self):
        self.targets = []

    def pick(self, target, *, on_phase=None, cancel=None):
        self.targets.append(target)
        return MotionOutcome(succeeded=True, phase="lift", reason="done", message="held", duration_s=1.0)

    def place(self, goal, *, on_phase=None, cancel=None):
        raise NotImplementedError


def run(script, **options):
    """(report or error, the arm, the eyes)."""
    eyes, arm = Eyes(script), Arm()
    options = {"settled_m": SETTLED_M, "recheck_m": RECHECK_M, **options}
    try:
        return pick_by_sight("the can", eyes, options.pop("planner", arm), **options), arm, eyes
    except KosmosAgentError as error:
        return error, arm, eyes


HOLE = NoDepthError("a hole")
seen = st.one_of(
    st.integers(0, 12).map(lambda centimetres: centimetres / 100 + 1e-4 * (centimetres % 2)),
    st.sampled_from(["not_found", "ambiguous", "cannot_tell", HOLE]),
)


@given(st.lists(seen, min_size=1, max_size=8), st.integers(1, 5))
def test_the_arm_goes_only_where_the_last_looks_agree(script, max_looks):
    ended, arm, eyes = run(script, max_looks=max_looks)
    looked = [script[min(n, len(script) - 1)] for n in range(eyes.looks)]
    assert eyes.looks <= max_looks + 1
    if not arm.targets:
        assert isinstance(ended, NoDepthError) or ended.outcome is None
        return
    assert ended.picked
    (gone_to,) = arm.targets
    assert all(isinstance(place, float) for place in looked[-min(3, eyes.looks) :][-2:])
    assert gone_to.position_m[0] == looked[-1], "the newest look counts"
    assert abs(looked[-1] - looked[-2]) <= RECHECK_M
    if max_looks > 1:
        assert isinstance(looked[-3], float)
        assert abs(looked[-2] - looked[-3]) <= SETTLED_M


@given(st.lists(seen, min_size=1, max_size=8), st.integers(1, 5))
def test_whatever_is_seen_has_one_end_that_fits(script, max_looks):
    ended, arm, eyes = run(script, max_looks=max_looks)
    last = script[min(eyes.looks, len(script)) - 1]
    if isinstance(ended, KosmosAgentError):
        assert ended is last
        return
    settled = len(arm.targets) == 1
    assert settled == (ended.outcome is not None)
    valid = {
        "not_found": ("not_found", "lost"),
        "cannot_tell": ("cannot_tell", "lost"),
        "ambiguous": ("ambiguous",),
    }.get(last, ("picked", "moving"))
    assert ended.status in valid
    assert (ended.status == "picked") == settled
    assert ("nothing was moved" in ended.message) == (not settled)
    looks = [step.look for step in ended.steps if step.name == "look"]
    assert looks == list(range(1, eyes.looks + 1))


@given(st.integers(0, 60))
def test_the_last_look_decides_by_its_own_limit(moved_mm):
    ended, arm, _ = run([0.0, 0.0, moved_mm / 1000])
    assert ended.status == ("picked" if moved_mm <= 1000 * RECHECK_M else "moving")
    assert bool(arm.targets) == ended.picked


@pytest.mark.parametrize(
    ("last", "status"), [("not_found", "lost"), ("cannot_tell", "lost"), ("ambiguous", "ambiguous")]
)
def test_gone_just_before_the_motion(last, status):
    ended, arm, _ = run([0.0, 0.0, last])
    assert ended.status == status
    assert ended.target is None
    assert not arm.targets


def test_a_hole_just_before_the_motion_is_its_error():
    ended, arm, _ = run([0.0, 0.0, HOLE])
    assert ended is HOLE
    assert not arm.targets


def test_without_a_recheck_two_looks_are_enough():
    ended, _, eyes = run([0.0, 0.001], recheck_m=None)
    assert ended.picked
    assert eyes.looks == 2


def test_a_place_that_is_no_number_never_agrees():
    ended, arm, _ = run([float("nan")])
    assert ended.status == "moving"
    ended, arm, _ = run([0.0, 0.0, float("nan")])
    assert ended.status == "moving"
    assert not arm.targets


def test_without_a_planner_it_is_handed_over():
    told = []
    ended, _, _ = run([0.0, 0.0, 0.01], planner=None, on_target=told.append)
    assert (ended.status, ended.outcome) == ("handed_over", None)
    assert [place.position_m[0] for place in told] == [0.01]
    assert "nothing was moved" in ended.message
    assert [step.name for step in ended.steps][-1] == "locate"


def test_where_the_motion_goes_is_told_before_it_begins():
    told, arm = [], Arm()
    pick_by_sight("the can", Eyes([0.0]), arm, on_target=lambda place: told.append((place, len(arm.targets))))
    assert told == [(arm.targets[0], 0)]


@pytest.mark.parametrize("stage", ["look", "ground", "locate"])
@pytest.mark.parametrize("look", [1, 2, 3])
def test_a_cancel_at_any_stage_moves_nothing(stage, look):
    token = CancelToken()

    def done(step):
        if (step.name, step.look) == (stage, look):
            token.cancel("enough")

    ended, arm, _ = run([0.0], on_step=done, cancel=token)
    assert isinstance(ended, CancelledError)
    assert not arm.targets


def test_a_sighting_that_says_neither_where_nor_why_is_an_error():
    eyes, arm = (lambda begin: Sighting(scenes.answer(BOX))), Arm()
    with pytest.raises(InvalidArgumentError, match="neither a target nor an error"):
        pick_by_sight("the can", eyes, arm)


@pytest.mark.parametrize("options", [{"max_looks": 0}, {"settled_m": 0.0}, {"recheck_m": 0.0}])
def test_limits_are_checked(options):
    ended, _, _ = run([0.0], **options)
    assert isinstance(ended, InvalidArgumentError)
    assert np.all([name in str(ended) for name in options])
