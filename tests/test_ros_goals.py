"""What clients may ask, and what they are told when they ask for nonsense."""

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

from builtin_interfaces.msg import Duration
from kosmos_interfaces.action import Ground, Pick
from kosmos_interfaces.msg import GroundedText, Grounding, Reason
from kosmos_interfaces.srv import Ground as GroundService
from kosmos_ros import answers, goals
from vision_msgs.msg import BoundingBox2D

from kosmos_agent.errors import CancelledError, InvalidArgumentError, InvalidPhraseError, NoDepthError

MINUTE = Duration(sec=60)


def test_a_goal_is_taken_as_it_was_meant():
    goal = goals.ground_goal(Ground.Goal(phrase="the red cup", max_results=3, want_3d=True, timeout=MINUTE))
    assert goal == goals.GroundGoal("find", "the red cup", 3, True, None, 60.0)
    same = GroundService.Request(phrase="the red cup", max_results=3, want_3d=True, timeout=MINUTE)
    assert goals.ground_request(same) == goal
    assert goals.pick_goal(Pick.Goal(target_id="7")) == goals.PickGoal("", "7", None)
    assert goals.pick_goal(Pick.Goal(phrase="the cup", timeout=MINUTE)) == goals.PickGoal("the cup", "", 60.0)


def test_a_caption_needs_no_phrase_and_a_description_a_region():
    assert goals.ground_goal(Ground.Goal(task=Ground.Goal.CAPTION)).task == "caption"
    region = BoundingBox2D(size_x=10.0, size_y=5.0)
    assert goals.ground_goal(Ground.Goal(task=Ground.Goal.DESCRIBE, region=region)).region_px == region
    with pytest.raises(InvalidArgumentError, match="both above 0"):
        goals.ground_goal(Ground.Goal(task=Ground.Goal.DESCRIBE))


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"phrase": ""}, InvalidPhraseError, "names nothing"),
        ({"phrase": "x" * 257}, InvalidPhraseError, "valid: 1 to 256"),
        ({"phrase": "a\x07b"}, InvalidPhraseError, r"U\+0007"),
        ({"phrase": "cup", "task": 9}, InvalidArgumentError, r"task 9; valid: 0 \(find\)"),
        ({"phrase": "cup", "max_results": 65}, InvalidArgumentError, "to 64"),
        ({"phrase": "cup", "target_frame": "b" * 300}, InvalidArgumentError, "target_frame"),
        ({"phrase": "cup", "timeout": Duration(sec=-1)}, InvalidArgumentError, "timeout -1"),
        ({"phrase": "cup", "timeout": Duration(sec=9999)}, InvalidArgumentError, "to 3600"),
        ({"task": Ground.Goal.ANSWER}, InvalidPhraseError, "names nothing"),
    ],
)
def test_nonsense_is_refused_by_field(fields, error, words):
    with pytest.raises(error, match=words):
        goals.ground_goal(Ground.Goal(**fields))


def test_a_pick_goes_by_phrase_or_by_target():
    with pytest.raises(InvalidArgumentError, match="one of them"):
        goals.pick_goal(Pick.Goal(phrase="the cup", target_id="7"))
    with pytest.raises(InvalidPhraseError, match="names nothing"):
        goals.pick_goal(Pick.Goal())


def test_a_result_carries_the_reason_of_what_it_holds():
    found = Grounding(status=Grounding.FOUND)
    assert goals.ground_result(grounding=found).reason.code == Reason.NONE
    assert goals.ground_result(text=GroundedText(text="a cup")).text.text == "a cup"
    refused = answers.refusal(NoDepthError("none"), "the cup")
    assert goals.ground_result(grounding=refused).reason.code == Reason.NO_DEPTH
    stopped = goals.ground_result(grounding=found, error=CancelledError("asked to stop"))
    assert (stopped.reason.code, stopped.reason.message) == (Reason.CANCELLED, "asked to stop")
