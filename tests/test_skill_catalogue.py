"""The list that every face is made from: names, arguments, and what becomes of wrong ones."""

import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kosmos_agent.errors import InvalidArgumentError, InvalidPhraseError, KosmosAgentError
from kosmos_agent.results import Box
from kosmos_agent.skills import SKILLS, Limits, Skills, skill_named
from kosmos_agent.skills.room import PlaceRelation

VALID = {
    "find_object": {"phrase": "the cup"},
    "locate_object": {"phrase": "the cup"},
    "describe_scene": {},
    "describe_region": {"box": [0.1, 0.2, 0.3, 0.4]},
    "answer_about_scene": {"question": "how many?"},
    "check_presence": {"phrase": "the cup"},
    "pick_object": {"target_id": "t12"},
    "place_object": {"phrase": "the bowl"},
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["phrase", "target_id", "box", "question", "relation", "camera", "cancel", "on_progress"])


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_a_skill_takes_what_its_method_takes_and_no_more(skill):
    taken = inspect.signature(getattr(Skills, skill.name)).parameters
    assert set(taken) - {"self", "cancel", "on_progress"} == set(skill.arguments.model_fields)
    assert skill.checked(VALID[skill.name]).keys() == skill.arguments.model_fields.keys()
    assert all(field.description for field in skill.arguments.model_fields.values())
    assert "cancel" not in json.dumps(skill.arguments.model_json_schema())


def test_only_what_moves_says_so():
    assert [skill.name for skill in SKILLS if not skill.read_only] == ["pick_object", "place_object"]
    assert all(skill.description.startswith("Move the arm") != skill.read_only for skill in SKILLS)


@given(st.sampled_from(SKILLS), st.dictionaries(names, anything, max_size=4))
def test_arguments_from_outside_are_valid_or_refused_with_a_code(skill, arguments):
    values, error = tried(skill, arguments)
    if error is not None:
        assert error.code == "invalid_argument"
        assert str(error).startswith(f"{skill.name}: ")
        assert "; valid: " in str(error)
    else:
        assert values.keys() == skill.arguments.model_fields.keys()
        assert arguments.keys() <= values.keys()


def tried(skill, arguments):
    try:
        return skill.checked(arguments), None
    except KosmosAgentError as error:
        return None, error


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("find_object", {}, "phrase: Field required; valid: phrase"),
        ("find_object", {"phrase": "the cup", "speed": 9}, "speed: Extra inputs"),
        ("describe_scene", {"style": "long"}, "valid: no arguments"),
        ("describe_region", {}, "exactly one of target_id and box"),
        ("describe_region", {"box": [0, 0, 2, 1]}, "less than or equal to 1"),
        ("describe_region", {"box": [0.5, 0, 0.5, 1]}, "x1 < x2"),
        ("describe_region", {"box": [0, 0, 1]}, "at least 4 items"),
        ("describe_region", {"box": [float("nan"), 0, 1, 1]}, "box.0"),
        ("pick_object", {"target_id": "T1"}, "target_id: String should match"),
        ("pick_object", {"target_id": "t1\n"}, "target_id"),
        ("place_object", {"phrase": "the bowl", "relation": "under"}, "relation"),
    ],
)
def test_what_is_wrong_is_named(name, arguments, words):
    with pytest.raises(InvalidArgumentError, match="valid: ") as raised:
        skill_named(name).checked(arguments)
    assert words in str(raised.value)


@pytest.mark.parametrize("phrase", ["", "x" * 257])
def test_words_of_a_wrong_length_are_no_phrase(phrase):
    with pytest.raises(InvalidPhraseError, match="valid: phrase"):
        skill_named("find_object").checked({"phrase": phrase})


def test_a_box_and_a_relation_come_as_the_skill_takes_them():
    assert skill_named("describe_region").checked({"box": [0.1, 0.2, 0.3, 0.4]})["box"] == Box(
        x1=0.1, y1=0.2, x2=0.3, y2=0.4
    )
    assert skill_named("place_object").checked({"phrase": "the bowl"})["relation"] == "on"
    for relation in PlaceRelation.__args__:
        assert skill_named("place_object").checked({"target_id": "t1", "relation": relation})["relation"] == relation


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InvalidArgumentError, match=r"unknown skill 'dance'; valid: find_object, .*, place_object"):
        skill_named("dance")
    assert skill_named("find_object") is SKILLS[0]


def test_arguments_cannot_be_changed_after_they_were_judged():
    given = skill_named("find_object").arguments(phrase="the cup")
    with pytest.raises(ValidationError):
        given.phrase = "the knife"


@pytest.mark.parametrize("name", ["max_age_s", "answer_timeout_s", "max_looks", "same_thing_m", "max_targets"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_are_above_zero_and_finite(name, value):
    with pytest.raises(InvalidArgumentError, match=f"{name} .*above 0"):
        Limits(**{name: value})
