"""What the command planner answers, from what the tools answered."""

import pytest
from agent_talk import Talk
from scripted_skills import (
    LEFT,
    RIGHT,
    Script,
    description,
    located,
    presence,
    sighting,
)

TWO = sighting(boxes=[LEFT, RIGHT], count="many")
NO_METRES = sighting(skill="locate_object", targets=[], no_targets_because={"code": "no_depth_image"})


@pytest.mark.parametrize(
    ("text", "answers", "outcome", "said"),
    [
        ("is there a cup?", {"check_presence": presence("present")}, "answered", "Yes, I see a cup"),
        ("is there a cup?", {"check_presence": presence("absent")}, "answered", "No, I do not see a cup"),
        ("is there a cup?", {"check_presence": presence("cannot_tell")}, "answered", "cannot tell"),
        ("where is the cup?", {"locate_object": located((0.1, 0.2, 0.3))}, "answered", "y 0.200, z 0.300 m in base"),
        (
            "where is the cup?",
            {"locate_object": NO_METRES},
            "answered",
            "cannot say where that is in metres (no_depth_image)",
        ),
        ("find the cup", {"find_object": sighting("not_found")}, "not_found", "I do not see the cup"),
        ("how many cups are there?", {"find_object": TWO}, "answered", "I count 2"),
        ("how many cups are there?", {"find_object": sighting("not_found")}, "answered", "no cups"),
        ("what is on the table?", {"describe_scene": description("a red cup")}, "answered", "“a red cup”"),
        (
            "what colour is the mug?",
            {"answer_about_scene": description("blue", "answer_about_scene")},
            "answered",
            "“blue”",
        ),
        (
            "describe the cup",
            {"find_object": sighting(), "describe_region": description("a tall cup", "describe_region")},
            "answered",
            "“a tall cup”",
        ),
        ("find all the cups", {"find_object": TWO}, "answered", "I see 2"),
    ],
)  # fmt: skip
def test_questions(text, answers, outcome, said):
    talk = Talk(Script(**answers)).say(text)
    assert talk.outcome == outcome
    assert said in talk.text
    assert talk.script.names == list(answers)


def test_a_choice_of_a_located_thing_says_where_that_one_is():
    talk = Talk(Script(locate_object=located((0.1, 0, 0), (0.2, 0, 0)))).say("where is the cup?").say("the right one")
    assert "x 0.200" in talk.text
    assert talk.script.names == ["locate_object"]
