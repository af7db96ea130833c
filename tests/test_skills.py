"""The skills on the simulated table, seen by the embedded model and judged by the simulator."""

import threading

import numpy as np
import pytest
from kosmos_sim.camera_source import SimCamera
from kosmos_sim.world import Tabletop
from skill_parts import ScriptedCamera, StillArm

from kosmos_agent import view as viewing
from kosmos_agent.errors import (
    BusyError,
    CancelledError,
    GoalTimeoutError,
    InvalidArgumentError,
    InvalidPhraseError,
    NoArmError,
    NoDepthError,
    NoDepthImageError,
    PlanningError,
    UnknownTargetError,
)
from kosmos_agent.grounder import Grounder
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.skills import Limits, Shot, Skills, text_of
from kosmos_agent.skills.deadline import Deadline

SEED = 4
"""A red and a gray cup, a red and an orange hammer, a purple box, a white and a gray cone, a gray bottle."""


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop")


@pytest.fixture(scope="module")
def world():
    with Tabletop.random(SEED, ("cup", "red")) as table:
        yield table


@pytest.fixture
def skills(world, grounder):
    return Skills(SimCamera(world), grounder, world.planner)


@pytest.fixture(scope="module")
def shot(world):
    return SimCamera(world).newest()


def box_of(world, name):
    seen = np.argwhere(world.owners("front", 640, 480) == name)
    (y1, x1), (y2, x2) = seen.min(0), seen.max(0) + 1
    return x1 / 640, y1 / 480, x2 / 640, y2 / 480


def overlap(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def test_a_thing_is_found_where_it_is(skills, world):
    report = skills.find_object("the red cup")
    assert report.status == "found"
    assert overlap(report.answer.best.box.corners, box_of(world, world.target.name)) > 0.5
    assert len(report.target_ids) == len(report.answer.candidates)
    assert (report.image.width, report.image.height, report.image.stamp_ns) == (640, 480, world.stamp_ns)
    assert {"vision", "locate"} & set(skills.locate_object("the red cup").timings_ms) == {"vision", "locate"}


def test_what_is_not_there_is_an_answer_without_ids(skills):
    report = skills.find_object("the green banana")
    assert (report.status, report.target_ids) == ("not_found", ())
    assert text_of(report).startswith("not_found: ")


def test_two_things_that_fit_are_ambiguous_with_a_question_and_ids_of_their_own(skills):
    report = skills.find_object("the red thing")
    assert report.status == "ambiguous"
    assert report.answer.question
    assert len(set(report.target_ids)) == len(report.answer.candidates) >= 2


def test_a_thing_keeps_its_id_whatever_it_is_called(skills):
    first = skills.find_object("the red cup").target_ids[0]
    assert skills.find_object("the red cup").target_ids[0] == first
    assert skills.locate_object("the rightmost cup").target_ids[0] == first
    assert skills.find_object("the gray cup").target_ids[0] != first


def test_metres_are_where_the_thing_stands(skills, world):
    report = skills.locate_object("the red cup")
    truth = world.truth()[0].as_target()
    (located, *_) = report.targets
    assert located.target_id == report.target_ids[0]
    assert np.linalg.norm(np.subtract(located.target.position_m, truth.position_m)) < 0.03
    assert located.target.frame_id == "base"


def test_the_scene_is_told_with_an_id_for_each_box(skills):
    report = skills.describe_scene()
    boxes = [box for entity in report.description.entities for box in entity.boxes]
    assert "cup" in report.description.text
    assert len(set(report.target_ids)) == len(boxes) > 1


def test_a_region_is_told_by_id_and_by_box(skills):
    found = skills.find_object("the red cup")
    by_id = skills.describe_region(found.target_ids[0])
    by_box = skills.describe_region(box=found.answer.best.box)
    assert "cup" in by_id.description.text
    assert by_id.description.text == by_box.description.text
    for wrong in ({}, {"target_id": "t1", "box": found.answer.best.box}):
        with pytest.raises(InvalidArgumentError, match="exactly one"):
            skills.describe_region(**wrong)


def test_a_question_is_answered(skills):
    report = skills.answer_about_scene("how many cups are there?")
    assert (report.status, report.question) == ("answered", "how many cups are there?")
    assert report.description.text


@pytest.mark.parametrize(("phrase", "status"), [("the gray cup", "present"), ("the green banana", "absent")])
def test_presence(skills, phrase, status):
    report = skills.check_presence(phrase)
    assert (report.status, report.phrase) == (status, phrase)
    assert (report.presence > 0.5) == (status == "present")


def test_words_that_are_no_phrase_are_refused(skills):
    for phrase in ("  ", "x" * 300):
        with pytest.raises(InvalidPhraseError):
            skills.find_object(phrase)


def test_an_id_that_nobody_gave_is_refused_with_those_that_are(skills):
    known = skills.find_object("the red cup").target_ids[0]
    for skill in (skills.describe_region, skills.pick_object):
        with pytest.raises(UnknownTargetError, match=f"'t77'; known: .*{known}"):
            skill(target_id="t77")


def test_a_thing_is_picked_by_phrase_and_put_on_another_by_id(grounder):
    with Tabletop.random(0, ("cup", "red")) as world:
        skills, stages = Skills(SimCamera(world), grounder, world.planner), []
        box_id = skills.find_object("the green box").target_ids[0]
        picked = skills.pick_object("the red cup", on_progress=stages.append)
        assert (picked.status, picked.confirmed, picked.moved) == ("picked", "yes", True)
        assert world.judge.verdict(world.target.name).picked
        assert {"look 1", "ground 1", "approach", "lift", "pick"} <= set(stages)
        placed = skills.place_object(target_id=box_id)
        assert (placed.status, placed.confirmed, placed.target_id) == ("placed", "yes", box_id)
        truths = {item.name: truth for item, truth in zip(world.items, world.truth(), strict=True)}
        (box,) = [truths[item.name].as_target() for item in world.items if item.category == "box"]
        cup = world.truth()[0].as_target()
        assert np.hypot(*np.subtract(cup.position_m[:2], box.position_m[:2])) < 0.05
        assert cup.position_m[2] > box.position_m[2] + box.size_m[2] / 2
        with pytest.raises(PlanningError, match="nothing is held"):
            skills.place_object("the green box")


def test_of_two_things_the_one_that_an_id_names_is_picked(grounder):
    with Tabletop.random(SEED, ("cup", "red")) as world:
        skills = Skills(SimCamera(world), grounder, world.planner)
        asked = skills.pick_object("the red thing")
        assert (asked.status, asked.moved) == ("ambiguous", False)
        assert asked.question
        assert len(asked.target_ids) == len(asked.pick.answer.candidates)
        x1 = [candidate.box.x1 for candidate in asked.pick.answer.candidates]
        chosen = asked.target_ids[int(np.argmax(x1))]
        picked = skills.pick_object(target_id=chosen)
        assert (picked.status, picked.target_id) == ("picked", chosen), text_of(picked)
        assert world.judge.verdict(world.target.name).picked


@pytest.mark.parametrize("phrase", ["the green banana", "the red thing"])
def test_nothing_moves_without_one_clear_answer(skills, world, phrase):
    joints = world.data.qpos.copy()
    report = skills.pick_object(phrase)
    assert report.status in ("not_found", "ambiguous")
    assert not report.moved
    assert np.allclose(joints[:7], world.data.qpos[:7], atol=0.01)


def test_a_grasp_that_closes_on_nothing_is_not_a_pick(world, grounder):
    report = Skills(SimCamera(world), grounder, StillArm(succeeded=False)).pick_object("the red cup")
    assert (report.status, report.pick.outcome.reason) == ("not_picked", "nothing_held")


def test_an_arm_that_claims_what_is_seen_to_be_untrue_is_not_believed(world, grounder):
    skills = Skills(SimCamera(world), grounder, StillArm())
    report = skills.pick_object("the red cup")
    assert (report.status, report.confirmed) == ("not_picked", "no")
    assert "still where it was" in text_of(report)
    placed = skills.place_object("the purple box")
    assert (placed.status, placed.confirmed) == ("not_placed", "no")


def test_a_second_motion_is_refused_while_the_arm_works(world, grounder):
    begun, end = threading.Event(), threading.Event()
    skills = Skills(SimCamera(world), grounder, StillArm(lambda cancel: (begun.set(), end.wait(20))))
    first = threading.Thread(target=skills.pick_object, args=("the red cup",))
    first.start()
    assert begun.wait(20)
    with pytest.raises(BusyError):
        skills.pick_object("the gray cup")
    assert skills.find_object("the gray cup").status == "found", "eyes stay free"
    end.set()
    first.join()


def test_without_an_arm_or_without_depth_it_says_so(world, grounder, shot):
    with pytest.raises(NoArmError):
        Skills(SimCamera(world), grounder).pick_object("the red cup")
    flat = Skills(ScriptedCamera(Shot(shot.rgb, 1, 0.0)), grounder, StillArm())
    found = flat.find_object("the red cup")
    assert found.status == "found"
    with pytest.raises(NoDepthImageError):
        flat.locate_object("the red cup")
    with pytest.raises(NoDepthImageError):
        flat.pick_object("the red cup")
    with pytest.raises(NoDepthError, match="locate it first"):
        flat.pick_object(target_id=found.target_ids[0])


def test_a_time_limit_that_runs_out_is_stated_and_moves_nothing(world, grounder):
    arm = StillArm()
    skills = Skills(SimCamera(world), grounder, arm, limits=Limits(answer_timeout_s=1e-3, motion_timeout_s=1e-3))
    for call in (skills.describe_scene, lambda: skills.pick_object("the red cup")):
        with pytest.raises(GoalTimeoutError, match=r"0\.001 s ran out"):
            call()
    assert not arm.picked


def test_a_motion_that_runs_out_of_time_ends_by_timeout(world, grounder):
    deadline = Deadline(1000.0)
    skills = Skills(SimCamera(world), grounder, StillArm(lambda cancel: deadline._expire()))
    with deadline:
        report = skills.hands.pick("the red cup", None, deadline, lambda stage: None)
    assert (report.status, report.pick.outcome.reason) == ("not_picked", "timeout")
    assert "1000 s ran out" in text_of(report)


def test_a_cancelled_call_neither_looks_nor_moves(world, grounder, shot):
    cancel, camera, arm = CancelToken(), ScriptedCamera(shot), StillArm()
    cancel.cancel("no longer wanted")
    skills = Skills(camera, grounder, arm)
    for call in (skills.describe_scene, lambda **options: skills.pick_object("the red cup", **options)):
        with pytest.raises(CancelledError, match="no longer wanted"):
            call(cancel=cancel)
    assert (camera.asked, arm.picked) == ([], [])


def test_a_cancel_stops_the_words_at_the_next_token(skills, monkeypatch):
    cancel, steps = CancelToken(), []
    generate = viewing.generate

    def counted(model, tokenizer, read, decoding, should_stop):
        def asked():
            steps.append(1)
            if len(steps) == 3:
                cancel.cancel()
            return should_stop()

        return generate(model, tokenizer, read, decoding, asked)

    monkeypatch.setattr(viewing, "generate", counted)
    with pytest.raises(CancelledError, match="stopped after 2 tokens"):
        skills.describe_scene(cancel=cancel)
    assert len(steps) == 3
