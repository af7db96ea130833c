"""The MCP server over streamable HTTP: a real client over loopback, and who is not let in."""

import asyncio
import contextlib
import threading

import httpx
import pytest

pytest.importorskip("mcp")
import mcp_robot
from kosmos_mcp.http import HttpServer
from kosmos_mcp.sdk import MAX_BODY_BYTES
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import McpError

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grounder import Grounder

TOKEN = "a-token-of-the-tests"  # noqa: S105
OTHERS = ("evil.example", "robot.test", "robot.test:1", "127.0.0.1:{port}", "robot.test.evil.example:{port}")
HEADERS = {"Accept": "application/json, text/event-stream"}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@contextlib.contextmanager
def serving(skills, **options):
    http = HttpServer(skills, port=0, **options)
    thread = threading.Thread(target=http.run)
    thread.start()
    try:
        yield http
    finally:
        http.stop()
        thread.join(mcp_robot.WAIT_S)
    assert not thread.is_alive()


@contextlib.asynccontextmanager
async def client(url, **headers):
    async with (
        httpx.AsyncClient(headers=headers, timeout=mcp_robot.WAIT_S) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop", threads=1)


@pytest.fixture(scope="module")
def open_url(grounder):
    """A server on loopback that asks for no token; its arm halts where it begins to descend until it is cancelled."""
    arms = []
    with (
        mcp_robot.robot(grounder, planner=mcp_robot.gated("descend", arms)) as (server, _),
        serving(server) as http,
    ):
        yield http.url, arms[0]


@pytest.fixture(scope="module")
def guarded(grounder):
    """A server on all addresses, by the name robot.test, with a token."""
    with (
        mcp_robot.robot(grounder, allow_motion=False) as (server, _),
        serving(server, host="0.0.0.0", token=TOKEN, names=["robot.test"]) as http,  # noqa: S104
    ):
        yield http


def let_in(http):
    """Headers that a guarded server wants."""
    return {"Host": f"robot.test:{http.port}", "Authorization": f"Bearer {TOKEN}"}


def address(http):
    """robot.test is known to the server alone."""
    return f"http://127.0.0.1:{http.port}/mcp"


def ask(http, message=HELLO, **headers):
    """The answer to one request to a guarded server, with everything right but what is given. None: left out."""
    given = {**let_in(http), **HEADERS, **headers}
    kept = {name: value for name, value in given.items() if value is not None}
    url = address(http)
    if isinstance(message, bytes):
        kept["Content-Type"] = "application/json"
        return httpx.post(url, content=message, headers=kept, timeout=mcp_robot.WAIT_S)
    return httpx.post(url, json=message, headers=kept, timeout=mcp_robot.WAIT_S)


async def test_a_client_finds_things_and_hears_the_steps(open_url):
    heard = []

    async def told(_, __, message):
        heard.append(message)

    async with client(open_url[0]) as session:
        result = await session.call_tool("find_object", {"phrase": "the red cup"}, progress_callback=told)
        absent = await session.call_tool("find_object", {"phrase": "the purple banana"})
    assert result.structuredContent["status"] == "found"
    assert heard == ["look", "ground"]
    assert absent.structuredContent["status"] == "not_found"


async def test_two_clients_share_what_was_found(open_url):
    async with client(open_url[0]) as first, client(open_url[0]) as second:
        results = await asyncio.gather(
            first.call_tool("find_object", {"phrase": "the red cup"}),
            second.call_tool("find_object", {"phrase": "the red cup"}),
        )
    ids = [result.structuredContent["target_ids"][0] for result in results]
    assert ids[0] == ids[1]


async def test_a_cancelled_pick_halts_the_arm(open_url):
    url, arm = open_url
    async with client(url) as session:
        task, request_id = await mcp_robot.begin_call(session, "pick_object", {"phrase": "the red cup"}, "descend")
        await mcp_robot.send_cancel(session, request_id)
        with pytest.raises(McpError, match="cancelled"):
            await asyncio.wait_for(task, mcp_robot.WAIT_S)
        await asyncio.to_thread(arm.ended.wait, mcp_robot.WAIT_S)
    assert arm.outcome.reason == "cancelled"


async def test_the_token_lets_a_client_in(guarded):
    assert ask(guarded).status_code == 200
    async with client(address(guarded), **let_in(guarded)) as session:
        tools = (await session.list_tools()).tools
    assert all(tool.annotations.readOnlyHint for tool in tools)


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer \xff"]
)
def test_a_wrong_token_is_refused(guarded, authorization):
    given = authorization.encode("latin-1") if authorization else None
    answer = ask(guarded, Authorization=given)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "host", ["evil.example", "robot.test", "robot.test:1", "127.0.0.1:{port}", "robot.test.evil.example:{port}"]
)
def test_another_host_is_refused(guarded, host):
    assert ask(guarded, Host=host.format(port=guarded.port)).status_code == 421


@pytest.mark.parametrize("origin", ["https://evil.example", "http://robot.test:{port}", "null"])
def test_web_pages_are_refused(guarded, origin):
    assert ask(guarded, Origin=origin.format(port=guarded.port)).status_code == 403


def test_a_rebound_name_is_refused_on_loopback_too(open_url):
    answer = httpx.post(open_url[0], json=HELLO, headers={**HEADERS, "Host": "evil.example"})
    assert answer.status_code == 421


def test_there_is_one_path_and_no_redirect(guarded):
    for path in ("/", "/mcp/", "/mcp/../etc/passwd"):
        answer = httpx.post(
            f"http://127.0.0.1:{guarded.port}{path}", json=HELLO, headers={**HEADERS, **let_in(guarded)}
        )
        assert answer.status_code == 404


def test_large_bodies_are_refused(guarded):
    assert ask(guarded, b" " * (MAX_BODY_BYTES + 1)).status_code == 413
    assert ask(guarded, b"{" * 100).status_code == 400


def test_a_taken_port_is_said(grounder, open_url):
    port = int(open_url[0].rpartition(":")[2].partition("/")[0])
    with mcp_robot.robot(grounder) as (server, _), pytest.raises(InvalidArgumentError, match=f"127.0.0.1:{port}"):
        HttpServer(server, port=port)
