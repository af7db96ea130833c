"""The same agent, driven by a hosted model's protocol: langchain-openai against a scripted server on loopback."""

import json

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_kosmos.agent import build_agent
from langchain_kosmos.claims import statement_of
from openai_server import calls, says, scripted_openai
from scripted_skills import ARGUMENTS, Script, description, failure, pick, place, sighting

MAYBE_TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
WIRE_SCHEMAS = {
    "find_object": {
        "phrase": {"description": "the thing in plain words", "maxLength": 256, "minLength": 1, "type": "string"}
    },
    "describe_scene": {},
    "place_object": {
        "phrase": {**MAYBE_TEXT, "description": "the thing in plain words"},
        "target_id": {**MAYBE_TEXT, "description": "an id of an earlier answer"},
        "relation": {
            "default": "on",
            "description": "where, relative to that thing",
            "enum": ["on", "in", "left of", "right of", "in front of", "behind", "next to"],
            "type": "string",
        },
    },
}  # fmt: skip


def run(script, server, text="pick up the cup", **options):
    agent = build_agent(server.model(), tools=script.tools(), approve=False, **options)
    return agent.invoke({"messages": [HumanMessage(text)]})["messages"]


def test_correct_calls():
    script = Script(find_object=sighting(), pick_object=pick())
    replies = [
        calls(("find_object", {"phrase": "the cup"})),
        calls(("pick_object", {"target_id": "t1"})),
        says("Done."),
    ]
    with scripted_openai(replies) as server:
        messages = run(script, server)
    assert script.calls == [("find_object", {"phrase": "the cup"}), ("pick_object", {"target_id": "t1"})]
    assert messages[-1].text == "Done."
    assert statement_of(messages) is None, "a language model makes no typed claim"
    system, human = server.requests[0]["messages"][:2]
    assert "never instructions" in system["content"]
    assert human == {"role": "user", "content": "pick up the cup"}


def test_what_is_sent_of_the_tools():
    with scripted_openai([says("Hello.")]) as server:
        run(Script(), server)
    schemas = server.tool_schemas
    assert list(schemas) == list(ARGUMENTS)
    for name, properties in WIRE_SCHEMAS.items():
        assert schemas[name]["parameters"]["properties"] == properties
    assert schemas["find_object"]["parameters"]["required"] == ["phrase"]
    for bound in ("camera", "threshold", "frame_id", "title"):
        assert bound not in json.dumps(schemas)


def test_bad_arguments_come_back_with_the_valid_ones():
    script = Script(place_object=place(), find_object=sighting())
    bad = [
        calls(("find_object", {"name": "cup"})),
        calls(("place_object", {"phrase": "the plate", "relation": "under"})),
        calls(("find_object", {"phrase": "the cup"})),
        says("Found."),
    ]
    with scripted_openai(bad) as server:
        messages = run(script, server)
    assert script.calls == [("find_object", {"phrase": "the cup"})]
    first, second = [message for message in messages if isinstance(message, ToolMessage)][:2]
    assert first.status == second.status == "error"
    assert first.text.startswith("invalid_argument: ")
    assert "valid: find_object takes phrase (string, required)" in first.text
    assert '"left of"' in second.text


def test_an_unknown_tool_comes_back_with_the_known_ones():
    script = Script()
    with scripted_openai([calls(("open_gripper", {})), says("I cannot.")]) as server:
        run(script, server)
    (told,) = server.tool_messages
    assert told.startswith("unknown_tool: 'open_gripper'; valid: find_object, ")
    assert not script.calls


def test_parallel_looks_are_both_made():
    script = Script(find_object=sighting(), describe_scene=description("a cup"))
    with scripted_openai(
        [calls(("find_object", {"phrase": "the cup"}), ("describe_scene", {})), says("Ok.")]
    ) as server:
        run(script, server)
    assert sorted(script.names) == ["describe_scene", "find_object"]
    assert len(server.tool_messages) == 2


def test_of_parallel_motions_only_the_first_is_made():
    script = Script(pick_object=pick(), place_object=place())
    both = calls(("pick_object", {"phrase": "the cup"}), ("place_object", {"phrase": "the plate"}))
    with scripted_openai([both, says("Ok.")]) as server:
        run(script, server)
    assert script.names == ["pick_object"]
    assert any(told.startswith("one_motion_at_a_time: ") for told in server.tool_messages)


def test_arguments_that_are_no_json_come_back():
    script = Script(pick_object=pick())
    with scripted_openai([calls(("pick_object", '{"phrase": "the')), says("Sorry.")]) as server:
        messages = run(script, server)
    assert not script.calls
    (told,) = server.tool_messages
    assert told.startswith("malformed_call: ")
    assert "pick_object takes phrase" in told
    assert messages[-1].text == "Sorry."


@pytest.mark.parametrize(
    "body", ["{", "[]", "{}", json.dumps({"choices": []}), json.dumps({"error": {"message": "no"}})]
)
def test_a_malformed_reply_ends_in_words_and_moves_nothing(body):
    script = Script(pick_object=pick())
    with scripted_openai([body]) as server:
        messages = run(script, server, retries=1)
    assert not script.calls
    assert isinstance(messages[-1], AIMessage)
    assert "no usable answer" in messages[-1].text


def test_a_malformed_reply_is_asked_for_once_more():
    script = Script(pick_object=pick())
    with scripted_openai(["{", calls(("pick_object", {"phrase": "the cup"})), says("Done.")]) as server:
        messages = run(script, server, retries=1)
    assert script.names == ["pick_object"]
    assert messages[-1].text == "Done."


def test_a_server_that_does_not_answer_ends_in_words():
    script = Script(pick_object=pick())
    with scripted_openai([None]) as server:
        agent = build_agent(server.model(timeout=0.2), tools=script.tools(), approve=False, retries=0)
        last = agent.invoke({"messages": [HumanMessage("pick up the cup")]})["messages"][-1]
    assert "Timeout" in last.text
    assert not script.calls


def test_a_coded_failure_of_a_tool_reaches_the_model():
    script = Script(pick_object=failure("stale_image", "the picture is 9 s old, valid: below 1"))
    with scripted_openai([calls(("pick_object", {"phrase": "the cup"})), says("The camera is stuck.")]) as server:
        run(script, server)
    assert server.tool_messages == ["stale_image: the picture is 9 s old, valid: below 1"]


def test_a_model_that_never_stops_is_stopped():
    script = Script(find_object=sighting())
    with scripted_openai([calls(("find_object", {"phrase": "the cup"}))]) as server:
        messages = run(script, server, max_tool_calls=3)
    assert len(script.calls) == 3
    assert isinstance(messages[-1], AIMessage)
    assert "limit" in messages[-1].text


async def test_streamed_words_and_calls():
    script = Script(pick_object=pick())
    with scripted_openai([calls(("pick_object", {"phrase": "the red cup"})), says("It is done now.")]) as server:
        agent = build_agent(server.model(streaming=True), tools=script.tools(), approve=False)
        stream = agent.astream({"messages": [HumanMessage("pick up the red cup")]}, stream_mode="messages")
        words = [part.text async for part, _ in stream if isinstance(part, AIMessageChunk) and part.text]
    assert server.requests[0]["stream"]
    assert script.calls == [("pick_object", {"phrase": "the red cup"})]
    assert len(words) > 1
    assert "".join(words).split() == ["It", "is", "done", "now."]
