"""Skills and their camera: waiting for it, old pictures, one look shared by calls that come together."""

import threading
import time

import numpy as np
import pytest
from kosmos_sim.camera_source import SimCamera
from kosmos_sim.world import Tabletop
from skill_parts import MissingCamera, Photo, ScriptedCamera, blank

from kosmos_agent.errors import CancelledError, GoalTimeoutError, NoImageError, StaleImageError
from kosmos_agent.grounder import Grounder
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.skills import Limits, Shot, Skills
from kosmos_agent.skills.pictures import annotated

SEED = 4
"""A red and a gray cup, a red and an orange hammer, a purple box, a white and a gray cone, a gray bottle."""


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop")


@pytest.fixture(scope="module")
def shot():
    with Tabletop.random(SEED, ("cup", "red")) as table:
        yield SimCamera(table).newest()


def test_a_camera_that_gives_nothing_is_waited_for_as_long_as_allowed_and_no_longer_than_wanted(grounder):
    skills = Skills(MissingCamera(), grounder, limits=Limits(look_timeout_s=0.6))
    with pytest.raises(NoImageError, match=r"at most 0\.6 s"):
        skills.find_object("the red cup")
    cancel = CancelToken()
    threading.Timer(0.1, cancel.cancel).start()
    patient = Skills(MissingCamera(), grounder, limits=Limits(look_timeout_s=25.0))
    with pytest.raises(CancelledError):
        patient.find_object("the red cup", cancel=cancel)
    with pytest.raises(GoalTimeoutError):
        Skills(MissingCamera(), grounder, limits=Limits(answer_timeout_s=0.2)).find_object("the red cup")


def test_a_camera_that_ended_is_not_asked_again(grounder):
    camera = ScriptedCamera(NoImageError("the camera was unplugged"))
    with pytest.raises(NoImageError, match="unplugged"):
        Skills(camera, grounder).find_object("the red cup")
    assert len(camera.asked) == 1


def test_a_picture_that_is_too_old_is_refused_unless_it_is_a_photograph(grounder):
    with pytest.raises(StaleImageError, match=r"9 s old; valid: at most 2 s"):
        Skills(ScriptedCamera(Shot(blank(), 1, 9.0)), grounder).find_object("the red cup")
    report = Skills(Photo(blank()), grounder).find_object("the red cup")
    assert report.image.age_s > 86_000


@pytest.fixture
def views(grounder, monkeypatch):
    """Counts the pictures that are encoded, slowly."""
    counted, view = [], grounder.view

    def slow(rgb, **options):
        counted.append(rgb)
        time.sleep(0.5)
        return view(rgb, **options)

    monkeypatch.setattr(grounder, "view", slow)
    return counted


def test_calls_that_come_together_share_one_look_however_slow_it_is(grounder, shot, views):
    camera = ScriptedCamera(*(Shot(shot.rgb.copy(), n, 0.0) for n in range(1, 9)))
    skills, reports = Skills(camera, grounder, limits=Limits(shared_s=0.2)), []
    phrases = ("the red cup", "the gray cup", "the purple box")
    calls = [threading.Thread(target=lambda p=p: reports.append(skills.find_object(p))) for p in phrases]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert {report.image.stamp_ns for report in reports} == {1}
    assert len(views) == 1


def test_a_later_call_looks_anew_and_the_same_picture_is_not_encoded_again(grounder, shot, views):
    camera = ScriptedCamera(Shot(shot.rgb, 1, 0.0), Shot(shot.rgb, 1, 0.3), Shot(shot.rgb.copy(), 2, 0.0))
    skills = Skills(camera, grounder, limits=Limits(shared_s=1e-9))
    looks = [skills.find_object("the red cup").image.stamp_ns for _ in range(3)]
    assert (looks, len(views)) == ([1, 1, 2], 2)


def test_the_picture_of_a_report_can_be_had_until_others_took_its_place(grounder, shot):
    camera = ScriptedCamera(*(Shot(blank(n), n, 0.0) for n in range(1, 20)))
    skills = Skills(camera, grounder, limits=Limits(shared_s=1e-9))
    first, second = (skills.check_presence("the red cup") for _ in range(2))
    assert np.array_equal(skills.eyes.picture_of(first.image), blank(1))
    assert np.array_equal(np.asarray(annotated(skills, second)), blank(2))
    for _ in range(8):
        skills.check_presence("the red cup")
    assert annotated(skills, first) is None


def test_closing_closes_the_camera(grounder):
    camera = ScriptedCamera(Shot(blank(), 1, 0.0))
    Skills(camera, grounder).close()
    assert camera.closed
