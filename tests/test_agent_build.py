"""How the agent is put together: who is asked before something moves, what is repeated and what never, and limits."""

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langchain_kosmos.agent import build_agent, chat_model
from langchain_kosmos.claims import statement_of
from langchain_kosmos.guard import valid_arguments
from langchain_kosmos.motion import motions
from langchain_kosmos.offline import OfflineCommander
from langgraph.types import Command
from scripted_skills import Script, failure, pick, place, sighting

from kosmos_agent.errors import InvalidArgumentError

THREAD = {"configurable": {"thread_id": "1"}}


def asked(text="pick up the cup"):
    return {"messages": [HumanMessage(text)]}


def decide(kind):
    return Command(resume={"decisions": [{"type": kind}]})


class Wild(GenericFakeChatModel):
    """A model whose messages are written down, wrong ones too."""

    def bind_tools(self, tools, **kwargs):
        return self


def wild(*messages):
    return Wild(messages=iter(messages))


def calling(name, **arguments):
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "c1"}])


@pytest.mark.parametrize("approve", ["motion", True])
def test_a_person_is_asked_before_anything_moves(approve):
    script = Script(pick_object=pick())
    agent = build_agent(tools=script.tools(), approve=approve)
    (stop,) = agent.invoke(asked(), THREAD)["__interrupt__"]
    assert not script.calls
    assert stop.value["action_requests"][0]["args"] == {"phrase": "the cup"}
    messages = agent.invoke(decide("approve"), THREAD)["messages"]
    assert script.names == ["pick_object"]
    assert statement_of(messages).outcome == "done"


def test_a_person_who_says_no_is_obeyed():
    script = Script(pick_object=pick(), place_object=place())
    agent = build_agent(tools=script.tools())
    agent.invoke(asked("put the cup on the plate"), THREAD)
    messages = agent.invoke(decide("reject"), THREAD)["messages"]
    assert not script.calls
    assert statement_of(messages).outcome == "refused"


def test_looking_needs_nobody():
    script = Script(find_object=sighting())
    result = build_agent(tools=script.tools()).invoke(asked("find the cup"), THREAD)
    assert "__interrupt__" not in result
    assert script.names == ["find_object"]


def test_without_approval_nobody_is_asked():
    script = Script(pick_object=pick())
    result = build_agent(tools=script.tools(), approve=False).invoke(asked())
    assert statement_of(result["messages"]).outcome == "done"


def test_nobody_is_asked_about_a_call_that_cannot_be_made():
    script = Script(pick_object=pick())
    model = wild(calling("pick_object", thing="cup"), AIMessage("Sorry."))
    result = build_agent(model, tools=script.tools()).invoke(asked(), THREAD)
    assert "__interrupt__" not in result
    assert result["messages"][-1].text == "Sorry."
    assert not script.calls


def test_a_tool_that_nobody_knows_to_be_harmless_counts_as_a_motion():
    def tool(name, **metadata):
        return StructuredTool.from_function(lambda: "", name=name, description="x", metadata=metadata)

    tools = [
        *Script().tools(),
        tool("drive"),
        tool("look", read_only=True),
        tool("peek", readOnlyHint=True),
        tool("nudge", readOnlyHint=False),
    ]
    assert motions(tools) == ["pick_object", "place_object", "drive", "nudge"]
    assert motions([tool("pick_object", read_only=True)]) == ["pick_object"]


def test_only_looking_is_repeated_after_an_unforeseen_failure():
    script = Script(find_object=[RuntimeError("CUDA"), sighting()], pick_object=[RuntimeError("CUDA"), pick()])
    agent = build_agent(tools=script.tools(), approve=False, retries=1)
    assert statement_of(agent.invoke(asked("find the cup"))["messages"]).outcome == "answered"
    assert script.names == ["find_object"] * 2
    messages = agent.invoke(asked())["messages"]
    assert script.names[2:] == ["pick_object"]
    assert statement_of(messages).outcome == "failed"
    assert "look before moving again" in messages[-1].text


def test_the_words_of_an_unforeseen_failure_stay_inside():
    script = Script(find_object=RuntimeError("password is 1234"))
    agent = build_agent(tools=script.tools(), approve=False, retries=0)
    messages = agent.invoke(asked("find the cup"))["messages"]
    assert not [message for message in messages if "1234" in message.text]
    assert "RuntimeError" in messages[-1].text


def test_a_coded_failure_of_the_core_that_a_tool_let_through_keeps_its_code():
    script = Script(pick_object=InvalidArgumentError("no such thing"))
    messages = build_agent(tools=script.tools(), approve=False).invoke(asked())["messages"]
    (told,) = [message for message in messages if isinstance(message, ToolMessage)]
    assert (told.status, told.text) == ("error", "invalid_argument: no such thing")


def test_limits_end_in_words():
    script = Script(find_object=sighting())
    agent = build_agent(tools=script.tools(), approve=False, max_tool_calls=2)
    messages = agent.invoke(asked("find the cup. find the fork. find the bowl. find the pot"))["messages"]
    assert len(script.calls) == 2
    assert statement_of(messages).outcome == "failed"


async def test_async_and_streamed():
    script = Script(pick_object=[failure("stale_image"), pick()])
    agent = build_agent(tools=script.tools(), approve=False)
    steps = [step async for step in agent.astream(asked(), stream_mode="updates")]
    assert script.names == ["pick_object"] * 2
    last = [update for step in steps for update in step.values() if update and "messages" in update][-1]
    assert statement_of(last["messages"]).outcome == "done"


def test_models(monkeypatch):
    assert isinstance(chat_model("offline"), OfflineCommander)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    assert type(chat_model("openai:gpt-5.5")).__name__ == "ChatOpenAI"
    model = wild()
    assert chat_model(model) is model
    for name in ("no-such-model", "nobody:nothing"):
        with pytest.raises(InvalidArgumentError, match="valid: offline"):
            build_agent(name, tools=[])


@pytest.mark.parametrize("options", [{"max_tool_calls": 0}, {"retries": -1}])
def test_limits_have_ranges(options):
    with pytest.raises(InvalidArgumentError, match="valid: from 1, from 0"):
        build_agent(tools=[], **options)


def test_an_agent_without_tools_says_so():
    messages = build_agent(tools=[]).invoke(asked())["messages"]
    assert statement_of(messages).outcome == "refused"
    assert "no tools at all" in messages[-1].text


def test_valid_arguments_in_words():
    tools = {tool.name: tool for tool in Script().tools()}
    assert valid_arguments(tools["find_object"]) == "find_object takes phrase (string, required)"
    assert valid_arguments(tools["describe_scene"]) == "describe_scene takes no arguments"
    assert '"in front of"' in valid_arguments(tools["place_object"])
