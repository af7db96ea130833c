"""The one description of the graph, and the checks on what users ask it to be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kosmos_ros.graph import (
    GROUNDING,
    SIM_TIME,
    Graph,
    camera_graph,
    parameter_text,
    parameter_value,
    simulated_graph,
)
from kosmos_ros.settings_table import described

from kosmos_agent.errors import InvalidArgumentError

GRAPHS = [camera_graph(), simulated_graph(3)]
NAMES = st.from_regex(r"(/|~/)?[a-z][a-z0-9]*(/[a-z][a-z0-9]*){0,3}", fullmatch=True)
SETTINGS = [(spec.name, item) for spec in simulated_graph().nodes for item in (*described(spec.settings), SIM_TIME)]


@pytest.mark.parametrize("graph", GRAPHS, ids=["camera", "simulated"])
def test_all_settings_are_valid_and_names_are_used_once(graph):
    for spec in graph.nodes:
        spec.checked()
        assert len(set(spec.names)) == len(spec.names)
        assert spec.optional <= set(spec.hears)
        assert set(spec.remappings) <= set(spec.hears)
    assert len({spec.full_name for spec in graph.nodes}) == len(graph.nodes)


def test_what_is_heard_in_the_simulation_is_said_there():
    graph = simulated_graph()
    said = {spec.resolved(name) for spec in graph.nodes for name in spec.says}
    for spec in graph.nodes:
        for name in set(spec.hears) - spec.optional:
            assert spec.resolved(name) in said, (spec.name, name)


def test_the_simulation_alone_goes_by_its_own_clock():
    assert {spec.name: spec.use_sim_time for spec in simulated_graph().nodes} == {
        "sim": False,
        "grounding": True,
        "pick": True,
    }
    assert not any(spec.use_sim_time for spec in camera_graph().nodes)
    frames = {spec.name: spec.checked() for spec in simulated_graph().nodes}
    assert frames["grounding"].target_frame == frames["pick"].target_frame == frames["sim"].base_frame
    frames = {spec.name: spec.checked() for spec in camera_graph().nodes}
    assert frames["grounding"].target_frame == frames["pick"].target_frame


@given(target=NAMES)
def test_a_remapped_name_is_on_the_command_line(target):
    graph = camera_graph().with_remaps([f"image_raw:={target}"])
    words = graph.node("grounding").arguments()
    assert f"image_raw:={target}" in words
    assert f"image_raw/compressed:={target}/compressed" in words
    assert graph.node("pick") == camera_graph().node("pick")


def test_a_compressed_topic_follows_its_raw_one_unless_it_is_named():
    for rules in (["image_raw:=/a", "image_raw/compressed:=/b"], ["image_raw/compressed:=/b", "image_raw:=/a"]):
        spec = camera_graph().with_remaps(rules).node("grounding")
        assert spec.resolved("image_raw") == "/a"
        assert spec.resolved("image_raw/compressed") == "/b"


def test_a_rule_for_one_node_leaves_the_others():
    graph = simulated_graph().with_remaps(["pick:grasp:=/arm/grasp"])
    assert graph.node("pick").resolved("grasp") == "/arm/grasp"
    with pytest.raises(InvalidArgumentError, match=r"no node uses the name 'grasp'.*image_raw"):
        simulated_graph().with_remaps(["grounding:grasp:=/arm/grasp"])


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("image_raw", r"NODE:"),
        ("image_raw=/a", r"NODE:"),
        (":=/a", r"NODE:"),
        (":image_raw:=/a", r"NODE:"),
        ("image_raw:=", "is no name"),
        ("image_raw:=/a b", "is no name"),
        ("image_raw:=/a;reboot", "is no name"),
        ("image_raw:=$(reboot)", "is no name"),
        ("image_raw:=/1a", "is no name"),
        ("image_raw:=/a/", "is no name"),
        ("image_raw:=/a__b", "is no name"),
        ("image_raw:=/" + "a" * 300, "is no name"),
        ("__node:=other", "no node uses the name '__node'"),
        ("nobody:image_raw:=/a", "no node 'nobody'; valid: grounding, pick"),
    ],
)
def test_rules_that_remap_nothing_say_what_is_valid(rule, words):
    with pytest.raises(InvalidArgumentError, match=words):
        camera_graph().with_remaps([rule])


def test_a_name_is_remapped_once():
    with pytest.raises(InvalidArgumentError, match="twice"):
        camera_graph().with_remaps(["image_raw:=/a", "image_raw:=/b"])


@given(rule=st.text(max_size=40))
def test_any_text_is_a_rule_or_a_coded_error(rule):
    for change in (camera_graph().with_remaps, camera_graph().with_parameters):
        message = "valid"
        try:
            assert isinstance(change([rule]), Graph)
        except InvalidArgumentError as error:
            message = str(error)
        assert "valid" in message


@pytest.mark.parametrize(("node", "item"), SETTINGS, ids=lambda value: getattr(value, "name", value))
def test_every_default_survives_the_way_to_the_command_line_and_back(node, item):
    text = parameter_text(item.default)
    back = json.loads(text)
    assert (tuple(back) if isinstance(back, list) else back) == (
        item.default or ("",) if back == [""] else item.default
    )
    typed = item.default if item.kind == "string" else text
    graph = simulated_graph().with_parameters([f"{node}.{item.name}:={typed}"])
    value = graph.node(node).parameters[item.name]
    assert value == (item.default or ("",) if item.kind == "string array" else item.default)
    assert type(value) is type(item.default)


@given(phrases=st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=20), max_size=4))
def test_phrases_go_to_the_command_line_as_one_json_word(phrases):
    setting = GROUNDING.setting("phrases")
    assert parameter_value(setting, json.dumps(phrases)) == tuple(phrases)
    assert json.loads(parameter_text(tuple(phrases))) == (phrases or [""])
    assert parameter_value(setting, "the red cup") == ("the red cup",)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("max_results:=3", r"NODE\.PARAMETER"),
        ("grounding.max_results", r"NODE\.PARAMETER"),
        ("grounding.max_results:=many", r"a number \(integer\)"),
        ("grounding.max_results:=65", "less than or equal to 64"),
        ("grounding.score_threshold:=nan", "finite"),
        ("grounding.publish_tf:=maybe", "true or false"),
        ("grounding.phrases:=[1]", r'\["a", "b"\]'),
        ("grounding.phrases:=[", r'\["a", "b"\]'),
        ("grounding.colour:=1", "no parameter 'colour'; valid: .*model_path"),
        ("arm.speed:=1", "no node 'arm'; valid: grounding, pick"),
        ("pick.planner:=magic", "planner"),
    ],
)
def test_parameters_that_are_none_say_what_is_valid(rule, words):
    with pytest.raises(InvalidArgumentError, match=words):
        camera_graph().with_parameters([rule])


def test_the_last_of_two_values_holds():
    graph = camera_graph().with_parameters(["grounding.max_results:=3", "grounding.max_results:=4"])
    assert graph.node("grounding").checked().max_results == 4


def test_a_seed_lays_the_table():
    assert simulated_graph(5).node("sim").checked().seed == 5
    with pytest.raises(InvalidArgumentError, match="seed"):
        simulated_graph(-1)
