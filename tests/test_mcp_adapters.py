"""The MCP server through langchain-mcp-adapters: what a LangChain agent gets of it."""

import json

import pytest

pytest.importorskip("langchain_mcp_adapters")
import mcp_robot
from langchain_core.messages import ToolMessage
from langchain_mcp_adapters.tools import load_mcp_tools

from kosmos_agent.grounder import Grounder
from kosmos_agent.skills import SKILLS, skill_named, text_of


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop", threads=1)


@pytest.fixture(scope="module")
def here(grounder):
    with mcp_robot.robot(grounder, pictures=True) as (server, world):
        yield server, world


async def ask(session, name, **arguments):
    tools = {tool.name: tool for tool in await load_mcp_tools(session)}
    return await tools[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})


async def test_every_skill_is_a_langchain_tool(here):
    async with mcp_robot.connected(here[0]) as session:
        tools = await load_mcp_tools(session)
    assert [tool.name for tool in tools] == [skill.name for skill in SKILLS]
    for tool, skill in zip(tools, SKILLS, strict=True):
        assert tool.description == skill.description
        assert set(tool.args) == set(skill.arguments.model_fields)
        assert tool.metadata["readOnlyHint"] is skill.read_only


async def test_the_artifact_is_the_report(here):
    async with mcp_robot.connected(here[0]) as session:
        message = await ask(session, "locate_object", phrase="the red cup")
    assert isinstance(message, ToolMessage)
    assert message.status == "success"
    report = skill_named("locate_object").report.model_validate(message.artifact["structured_content"])
    assert json.loads(report.model_dump_json()) == message.artifact["structured_content"]
    assert (report.skill, report.status) == ("locate_object", "found")
    assert report.targets[0].target.frame_id == "base"
    assert [block["type"] for block in message.content] == ["text", "image"]
    assert message.content[0]["text"] == text_of(report)


async def test_a_failure_is_a_message_and_the_run_goes_on(here):
    async with mcp_robot.connected(here[0]) as session:
        unknown = await ask(session, "describe_region", target_id="t999")
        wrong = await ask(session, "describe_region", box=[0.1, 0.1])
    for message, code in ((unknown, "unknown_target"), (wrong, "invalid_argument")):
        assert message.status == "error"
        assert message.content[0]["text"].startswith(f"{code}: ")


async def test_a_tool_picks_in_the_simulation(here):
    server, world = here
    async with mcp_robot.connected(server) as session:
        message = await ask(session, "pick_object", phrase="the red cup")
    assert message.artifact["structured_content"]["status"] == "picked"
    assert world.judge.verdict(world.target.name).picked
