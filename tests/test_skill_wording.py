"""Reports in words: the status first, ids to go on with, and scene text that cannot leave its fence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raycast_scenes import answer
from test_pick_by_sight import target

from kosmos_agent.results import Box, Entity, GroundedText
from kosmos_agent.robot.pick import PickReport as PickCourse
from kosmos_agent.robot.planner import MotionOutcome
from kosmos_agent.skills.reports import (
    DescribeReport,
    FindReport,
    ImageNote,
    LocatedTarget,
    LocateReport,
    PickReport,
    PlaceReport,
    PresenceReport,
    Problem,
    SkillReport,
)
from kosmos_agent.skills.wording import fenced, text_of

BOX, OTHER = Box(x1=0.1, y1=0.2, x2=0.3, y2=0.4), Box(x1=0.6, y1=0.2, x2=0.8, y2=0.4)
FENCE = re.compile(r"<scene-text>([^<>]*)</scene-text>")
hostile = st.text(st.sampled_from("</>scene-txt \n\r\t\u202e\u2028\x00[]{}ignore")) | st.text(max_size=60)


def common(status, age_s=0.0):
    note = ImageNote(stamp_ns=7, age_s=age_s, width=320, height=240, frame_id="camera_optical_frame")
    return {"status": status, "image": note, "timings_ms": {}}


def find(status, *boxes, age_s=0.0, **changes):
    given = answer(*boxes, phrase="the cup", status=status).model_copy(update=changes)
    target_ids = tuple(f"t{n + 1}" for n in range(len(boxes))) if status in ("found", "ambiguous") else ()
    return FindReport(**common(status, age_s), answer=given, target_ids=target_ids)


def outcome(reason="done"):
    return MotionOutcome(succeeded=reason == "done", phase="lift", reason=reason, message=reason, duration_s=1)


def pick(status, confirmed="cannot_tell", message="why not", target_ids=()):
    course = PickCourse(
        phrase="the cup", status=status, message=message, answer=answer(BOX), target=None, outcome=None, steps=()
    )
    return PickReport(**common(status), pick=course, target_id=None, target_ids=target_ids, confirmed=confirmed)


def place(status, confirmed="cannot_tell", **changes):
    values = {"message": "why not", "phrase": "the bowl", "relation": "in", "answer": answer(BOX), "target_id": None}
    return PlaceReport(**common(status), confirmed=confirmed, **(values | changes))


def described(text, *entities):
    told = GroundedText(text=text, entities=entities, timings_ms={})
    ids = tuple(f"t{n}" for n, _ in enumerate(box for entity in entities for box in entity.boxes))
    return DescribeReport(skill="describe_scene", **common("described"), description=told, target_ids=ids)


@given(hostile)
def test_what_was_read_stays_within_one_fence(words):
    text = fenced(words)
    assert FENCE.fullmatch(text)
    assert text.isprintable()
    assert len(text) < 2100


@given(hostile, hostile)
def test_a_description_holds_nothing_unfenced_that_was_read(text, words):
    box = BOX
    told = text_of(described(text, Entity(text=words, start=0, end=len(words), boxes=(box, box))))
    lines = [FENCE.sub("#", line) for line in told.split("\n")]
    assert lines == [
        "described: #",
        "t0: # box 0.100,0.200,0.300,0.400",
        "t1: # box 0.100,0.200,0.300,0.400",
    ]


def test_a_long_description_is_cut():
    entities = [Entity(text="a cup", start=0, end=5, boxes=(BOX,))] * 60
    assert text_of(described("x" * 9000, *entities)).count("\n") == 16
    assert len(text_of(described("x" * 9000))) < 2100


def test_found_shows_the_one_and_ambiguous_all_with_the_question():
    assert text_of(find("found", BOX, OTHER)) == ("found: 'the cup'\nt1: box 0.100,0.200,0.300,0.400, probability 0.90")
    ambiguous = text_of(find("ambiguous", BOX, OTHER, question="Which one?"))
    assert ambiguous.startswith("ambiguous: 2 things fit 'the cup'; ask: Which one?\nt1: ")
    assert "\nt2: box 0.600" in ambiguous


def test_all_of_several_are_listed():
    assert "\nt2: " in text_of(find("found", BOX, OTHER, count="many"))


def test_not_found_and_not_sure_say_how_sure():
    assert text_of(find("not_found", presence=0.03)) == "not_found: 'the cup' is not in view (presence 0.03)"
    assert text_of(find("cannot_tell", BOX)).startswith("cannot_tell: not sure about 'the cup' (presence 0.90)")
    assert "never learnt: knife" in text_of(find("cannot_tell", BOX, unknown_words=("knife",)))


def test_an_old_picture_is_told_and_a_photograph_is_not():
    assert "1.5 s old" in text_of(find("found", BOX, age_s=1.5))
    for age_s in (0.2, 1e6):
        assert "old" not in text_of(find("found", BOX, age_s=age_s))


def test_metres_or_why_there_are_none():
    given = find("found", BOX)
    base = {name: getattr(given, name) for name in ("status", "image", "timings_ms", "answer", "target_ids")}
    there = LocatedTarget(target_id="t1", target=target(0.25))
    seen = text_of(LocateReport(**base, targets=(there,), no_targets_because=None))
    assert seen.endswith("\nt1: x 0.250, y 0.000, z 0.050 m in base")
    why = Problem(code="no_depth", message="a hole")
    assert text_of(LocateReport(**base, targets=(), no_targets_because=why)).endswith("no position: no_depth: a hole")


@pytest.mark.parametrize("status", ["present", "absent", "cannot_tell"])
def test_presence(status):
    report = PresenceReport(**common(status), phrase="the cup", presence=0.4, probability_kind="calibrated")
    assert text_of(report).startswith(f"{status}: 'the cup' ")
    assert "0.40" in text_of(report)


@pytest.mark.parametrize("make", [pick, place])
def test_success_is_claimed_only_as_far_as_it_was_seen(make):
    done, failed = ("picked", "not_picked") if make is pick else ("placed", "not_placed")
    assert "seen" in text_of(make(done, "yes"))
    assert "could not be confirmed" in text_of(make(done, "cannot_tell"))
    for status in (failed, "not_found", "ambiguous", "moving"):
        text = text_of(make(status))
        assert text.startswith(f"{status}: ")
        assert "why not" in text
        assert "is held" not in text
    assert text_of(make("ambiguous", target_ids=("t1", "t2"))).endswith("; target_ids t1, t2")


def test_a_report_of_no_known_kind_is_refused():
    with pytest.raises(TypeError, match="SkillReport"):
        text_of(SkillReport(skill="dance", **common("danced")))
