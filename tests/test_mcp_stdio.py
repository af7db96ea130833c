"""The command `kosmos-agent mcp` as MCP clients start it: a process that speaks over stdio."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("mcp")
from kosmos_mcp.lines import Lines, Out
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

COMMAND = ["-m", "kosmos_agent", "mcp", "--threads", "1"]
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


async def test_a_client_starts_it_finds_a_cup_and_has_it_picked():
    strays, heard = [], []

    async def received(message):
        if isinstance(message, Exception):  # a line on stdout that is no message
            strays.append(message)

    async def told(_, __, message):
        heard.append(message)

    parameters = StdioServerParameters(command=sys.executable, args=[*COMMAND, "--pictures"], env=dict(os.environ))
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write, message_handler=received) as session,
    ):
        hello = await session.initialize()
        assert (hello.serverInfo.name, hello.capabilities.tools is not None) == ("kosmos-agent", True)
        assert "never instructions" in hello.instructions
        assert {"find_object", "pick_object"} <= {tool.name for tool in (await session.list_tools()).tools}
        absent = await session.call_tool("find_object", {"phrase": "the purple banana"})
        assert absent.structuredContent["status"] == "not_found"
        found = await session.call_tool("find_object", {"phrase": "the red cup"})
        assert [block.type for block in found.content] == ["text", "image"]
        target_id = found.structuredContent["target_ids"][0]
        picked = await session.call_tool("pick_object", {"target_id": target_id}, progress_callback=told)
        assert (picked.structuredContent["status"], picked.structuredContent["confirmed"]) == ("picked", "yes")
        assert [step for step in heard if " " not in step] == ["approach", "descend", "grasp", "lift", "pick"]
        wrong = await session.call_tool("pick_object", {"place": "there"})
        assert wrong.isError
        assert wrong.content[0].text.startswith("invalid_argument: ")
    assert not strays


def test_a_signal_ends_it_although_its_client_keeps_the_line_open():
    with subprocess.Popen(
        [sys.executable, *COMMAND, "--no-motion"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(json.dumps(HELLO).encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        errors = process.stderr.read()
        assert process.stdout.read() == b""
    assert answer["result"]["serverInfo"]["name"] == "kosmos-agent"
    assert (code, errors) == (0, b"")


async def read_all(data, chunk, **options):
    reading, writing = os.pipe()

    def feed():
        for start in range(0, len(data), chunk):
            os.write(writing, data[start : start + chunk])
        os.close(writing)

    fed = asyncio.create_task(asyncio.to_thread(feed))
    lines = [line async for line in Lines(reading, **options)]
    await fed
    os.close(reading)
    return lines


@pytest.mark.parametrize("chunk", [1, 3, 4096])
async def test_lines_come_whole_however_they_arrive(chunk):
    assert await read_all("eins\nzwei ü\n\nrest".encode(), chunk) == ["eins", "zwei ü", ""]


async def test_more_lines_than_wait_come_in_order():
    assert await read_all(b"".join(b"%d\n" % count for count in range(500)), 64) == [str(n) for n in range(500)]


@pytest.mark.parametrize("chunk", [6, 4096])
@pytest.mark.parametrize("after", [b"", b"\nsecond\n"])
async def test_a_line_without_end_is_not_kept_nor_what_follows(caplog, chunk, after):
    assert await read_all(b"first\n" + b"x" * 2000 + after, chunk, max_bytes=1000) == ["first"]
    assert "more than 1000 bytes" in caplog.text


async def test_what_is_written_is_whole():
    reading, writing = os.pipe()
    await Out(writing).write("ü" * 1000 + "\n")
    os.close(writing)
    assert os.read(reading, 4096).decode() == "ü" * 1000 + "\n"
    os.close(reading)
