"""The MCP server as a client of this process sees it: what it lists, what calls come back with, how they end."""

import asyncio
import base64
import io
import logging
import threading

import jsonschema
import pytest
from PIL import Image

pytest.importorskip("mcp")
import mcp_robot
from kosmos_mcp import SkillServer
from kosmos_mcp.calls import Calls
from kosmos_mcp.replies import MAX_PICTURE_SIDE_PX
from kosmos_mcp.sdk import ERROR_KEY
from kosmos_sim.camera_source import SimCamera
from mcp.shared.exceptions import McpError

from kosmos_agent.errors import BusyError, NoArmError, NoImageError
from kosmos_agent.grounder import Grounder, View
from kosmos_agent.skills import SKILLS, Skills

READING = [skill.name for skill in SKILLS if skill.read_only]
MOVING = [skill.name for skill in SKILLS if not skill.read_only]
NOBODY_SAW_IT = "the purple banana"


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop", threads=1)


@pytest.fixture(scope="module")
def here(grounder):
    with mcp_robot.robot(grounder, pictures=True) as (server, world):
        yield server, world


@pytest.fixture
def server(here):
    return here[0]


def code_of(result):
    assert result.isError
    assert result.structuredContent is None
    problem = result.meta[ERROR_KEY]
    assert result.content[0].text == f"{problem['code']}: {problem['message']}"
    return problem["code"]


async def ask(server, name, **arguments):
    async with mcp_robot.connected(server) as session:
        return await session.call_tool(name, arguments)


async def test_every_skill_is_a_tool_with_schemas_and_hints(server):
    async with mcp_robot.connected(server) as session:
        tools = (await session.list_tools()).tools
    assert [tool.name for tool in tools] == [skill.name for skill in SKILLS]
    for tool, skill in zip(tools, SKILLS, strict=True):
        for schema in (tool.inputSchema, tool.outputSchema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        assert set(tool.inputSchema.get("properties", {})) == set(skill.arguments.model_fields)
        assert tool.inputSchema["additionalProperties"] is False
        assert set(skill.report.model_fields) == set(tool.outputSchema["properties"])
        assert (tool.title, tool.description) == (skill.title, skill.description)
        assert tool.annotations.readOnlyHint is skill.read_only
        assert tool.annotations.destructiveHint is not skill.read_only
        assert tool.annotations.idempotentHint is skill.read_only


async def test_motion_is_served_only_when_allowed(grounder):
    with mcp_robot.robot(grounder, allow_motion=False) as (server, _):
        async with mcp_robot.connected(server) as session:
            assert [tool.name for tool in (await session.list_tools()).tools] == READING
            refused = await session.call_tool("pick_object", {"phrase": "the red cup"})
    assert code_of(refused) == "invalid_argument"
    assert "unknown tool 'pick_object'" in refused.content[0].text
    assert all(name in refused.content[0].text for name in READING)
    assert not any(name in refused.content[0].text.partition("valid:")[2] for name in MOVING)


def test_motion_cannot_be_allowed_without_an_arm(grounder, here):
    with pytest.raises(NoArmError):
        SkillServer(Skills(SimCamera(here[1]), grounder), allow_motion=True)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("find_object", {"phrase": "the red cup"}),
        ("find_object", {"phrase": NOBODY_SAW_IT}),
        ("locate_object", {"phrase": "the cups"}),
        ("describe_scene", {}),
        ("describe_region", {"box": [0.25, 0.25, 0.75, 0.75]}),
        ("answer_about_scene", {"question": "is there a red cup?"}),
        ("check_presence", {"phrase": "a red cup"}),
    ],
)
async def test_an_answer_holds_the_report_and_its_words(server, name, arguments):
    skill = next(skill for skill in SKILLS if skill.name == name)
    async with mcp_robot.connected(server) as session:
        tools = (await session.list_tools()).tools
        result = await session.call_tool(name, arguments)
    assert not result.isError
    schema = next(tool.outputSchema for tool in tools if tool.name == name)
    jsonschema.validate(result.structuredContent, schema)
    report = skill.report.model_validate(result.structuredContent)
    assert report.model_dump(mode="json") == result.structuredContent
    assert report.skill == name
    assert (report.image.width, report.image.height) == (640, 480)
    assert result.content[0].text.startswith(f"{report.status}: ")


async def test_found_and_not_found_are_both_answers(server):
    found = await ask(server, "find_object", phrase="the red cup")
    absent = await ask(server, "find_object", phrase=NOBODY_SAW_IT)
    assert not found.isError
    assert found.structuredContent["status"] == "found"
    assert found.structuredContent["target_ids"]
    assert not absent.isError
    assert absent.structuredContent["status"] == "not_found"
    assert absent.structuredContent["target_ids"] == []


async def test_ambiguous_is_an_answer_with_a_question(grounder):
    """Which table makes the model hesitate is its affair; some of these do."""
    for seed in (3, 1, 2, 0, 4, 5, 6, 7):
        with mcp_robot.robot(grounder, seed) as (server, _):
            result = await ask(server, "find_object", phrase="the cup")
        assert not result.isError
        answer = result.structuredContent
        if answer["status"] == "ambiguous":
            break
    assert answer["status"] == "ambiguous"
    assert len(answer["target_ids"]) == len(answer["answer"]["candidates"]) >= 2
    assert answer["answer"]["question"] in result.content[0].text


@pytest.mark.parametrize(
    ("name", "arguments", "code", "words"),
    [
        ("find_objekt", {"phrase": "a cup"}, "invalid_argument", ["find_objekt", *READING, *MOVING]),
        ("find_object", {}, "invalid_argument", ["phrase: Field required", "valid: phrase ("]),
        ("find_object", {"phrase": "a cup", "camera": "rear"}, "invalid_argument", ["camera", "valid: phrase ("]),
        ("find_object", {"phrase": ["a", "cup"]}, "invalid_argument", ["valid string", "valid: phrase ("]),
        ("describe_region", {"box": [0.5, 0.5, 0.4, 0.6]}, "invalid_argument", ["valid: target_id ("]),
        ("describe_region", {"box": [0, 0, 640, 480]}, "invalid_argument", ["less than or equal to 1"]),
        ("pick_object", {}, "invalid_argument", ["exactly one of phrase and target_id"]),
        ("place_object", {"target_id": "t1", "relation": "under"}, "invalid_argument", ["relation", "'on'"]),
        ("pick_object", {"target_id": "t999"}, "unknown_target", ["t999"]),
        ("find_object", {"phrase": "x" * 300}, "invalid_phrase", ["256"]),
    ],
)
async def test_what_was_wrong_comes_back_with_what_would_be_valid(server, name, arguments, code, words):
    result = await ask(server, name, **arguments)
    assert code_of(result) == code
    assert not [word for word in words if word not in result.content[0].text]


async def test_a_flood_of_arguments_gives_a_short_message(server):
    result = await ask(server, "find_object", **{"k" * 100_000: 1})
    assert code_of(result) == "invalid_argument"
    assert len(result.content[0].text) < 2000


async def test_a_camera_without_pictures_is_a_coded_failure(server, monkeypatch):
    def newest(self, after_ns=None, timeout_s=5.0):
        raise NoImageError("the lens cap is on")

    monkeypatch.setattr(SimCamera, "newest", newest)
    result = await ask(server, "check_presence", phrase=f"{NOBODY_SAW_IT} again")
    assert code_of(result) == "no_image"
    assert "the lens cap is on" in result.content[0].text


async def test_an_unforeseen_fault_is_logged_and_tells_nothing(server, monkeypatch, caplog):
    def newest(self, after_ns=None, timeout_s=5.0):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(SimCamera, "newest", newest)
    with caplog.at_level(logging.ERROR, "kosmos_mcp"):
        result = await ask(server, "describe_scene")
    assert code_of(result) == "other"
    assert "secret" not in result.content[0].text
    assert "/secret/path" in caplog.text


async def test_progress_is_told_in_order_before_the_answer(server):
    heard = []

    async def told(count, _, message):
        heard.append((count, message))

    async with mcp_robot.connected(server) as session:
        await session.call_tool("locate_object", {"phrase": "the red cup"}, progress_callback=told)
        assert heard == [(1, "look"), (2, "ground"), (3, "locate")]


async def test_an_answer_with_boxes_comes_with_its_picture(server):
    found = await ask(server, "find_object", phrase="the red cup")
    assert [block.type for block in found.content] == ["text", "image"]
    picture = Image.open(io.BytesIO(base64.b64decode(found.content[1].data)))
    assert (picture.format, found.content[1].mimeType) == ("JPEG", "image/jpeg")
    assert 640 <= picture.width <= MAX_PICTURE_SIDE_PX
    present = await ask(server, "check_presence", phrase="a red cup")
    assert [block.type for block in present.content] == ["text"]


async def test_a_cancelled_caption_stops_at_the_next_token(server, monkeypatch):
    asked, writing, ended = [], threading.Event(), threading.Event()
    write = View.caption

    def caption(self, *, should_stop, **options):
        def stop():
            if len(asked) == 3:
                writing.set()
                should_stop.__self__.token.wait(mcp_robot.WAIT_S)
            asked.append(should_stop())
            return asked[-1]

        try:
            return write(self, should_stop=stop, **options)
        finally:
            ended.set()

    monkeypatch.setattr(View, "caption", caption)
    async with mcp_robot.connected(server) as session:
        task, request_id = await mcp_robot.begin_call(session, "describe_scene", {}, "write")
        await asyncio.to_thread(writing.wait, mcp_robot.WAIT_S)
        await mcp_robot.send_cancel(session, request_id)
        with pytest.raises(McpError, match="cancelled"):
            await asyncio.wait_for(task, mcp_robot.WAIT_S)
        await asyncio.to_thread(ended.wait, mcp_robot.WAIT_S)
        after = await session.call_tool("check_presence", {"phrase": "a red cup"})
    assert asked == [False, False, False, True]
    assert not after.isError


async def test_a_cancelled_pick_halts_the_arm(grounder):
    with mcp_robot.robot(grounder, planner=lambda world: mcp_robot.GatedArm(world.planner, "descend")) as (
        server,
        world,
    ):
        arm = server._skills.hands._planner
        async with mcp_robot.connected(server) as session:
            picking = {"phrase": "the red cup"}
            task, request_id = await mcp_robot.begin_call(session, "pick_object", picking, "descend")
            busy = await session.call_tool("pick_object", picking)
            await mcp_robot.send_cancel(session, request_id)
            with pytest.raises(McpError, match="cancelled"):
                await asyncio.wait_for(task, mcp_robot.WAIT_S)
            await asyncio.to_thread(arm.ended.wait, mcp_robot.WAIT_S)
        assert code_of(busy) == "busy"
        assert (arm.outcome.reason, arm.outcome.phase) == ("cancelled", "descend")
        assert not world.judge.verdict(world.target.name).picked


async def test_a_client_that_goes_away_halts_the_arm(grounder):
    arms = []
    with mcp_robot.robot(grounder, planner=mcp_robot.gated("descend", arms)) as (server, _):
        (arm,) = arms
        async with mcp_robot.connected(server) as session:
            task, _ = await mcp_robot.begin_call(session, "pick_object", {"phrase": "the red cup"}, "descend")
        task.cancel()  # this client would wait for ever
        await asyncio.to_thread(arm.ended.wait, mcp_robot.WAIT_S)
        assert (arm.outcome.reason, arm.outcome.phase) == ("cancelled", "descend")


async def test_pick_by_an_id_and_refuse_an_unknown_one_to_place_at(grounder):
    with mcp_robot.robot(grounder) as (server, world):
        async with mcp_robot.connected(server) as session:
            found = await session.call_tool("find_object", {"phrase": "the red cup"})
            target_id = found.structuredContent["target_ids"][0]
            picked = await session.call_tool("pick_object", {"target_id": target_id})
            assert picked.structuredContent["status"] == "picked"
            assert world.judge.verdict(world.target.name).picked
            again = await session.call_tool("place_object", {"target_id": "t999"})
            assert code_of(again) == "unknown_target"


async def test_calls_are_bounded():
    calls = Calls(threads=1, most=2)

    async def told(_):
        pass

    def wait(cancel, _):
        cancel.wait(mcp_robot.WAIT_S)
        return cancel.reason

    first, second = (asyncio.create_task(calls.run(wait, told)) for _ in range(2))
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await calls.run(wait, told)
    second.cancel()  # it waits for the thread: it never begins, and makes room
    await asyncio.wait([second])
    left = []
    await asyncio.to_thread(calls.close, lambda: left.append(True))
    assert await first == "the server is being closed"
    assert left == [True]
