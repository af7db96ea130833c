"""Replicas on Ray Serve, with real Ray on this machine: one dies in the middle of a request, and nothing is lost."""

import asyncio
import os
import signal

import pytest

pytest.importorskip("ray", reason="ray not installed (extra scale)")

from serving_engine import png

from kosmos_agent.asks import FindAsk
from kosmos_agent.errors import InvalidImageError
from kosmos_agent.serving.engine import Request
from kosmos_agent.serving.ray_engine import RayEngine

PHRASES = tuple(
    f"the {colour} cup" for colour in ("red", "blue", "green", "yellow", "white", "black", "orange", "pink")
)

pytestmark = pytest.mark.slow  # Ray and the replicas take most of a minute to come up


def request(*phrases, image=None):
    return Request(image or png(64), FindAsk(phrases=phrases), "robot", timeout_s=240.0)


async def test_a_replica_that_dies_takes_no_request_with_it():
    engine = RayEngine({"model": "tabletop", "threads": 1}, replicas=1, cpus=0.5)
    await engine.start()
    try:
        alone = await engine.ask(request(*PHRASES[:2]))
        assert [answer.phrase for answer in alone.answers] == list(PHRASES[:2])
        with pytest.raises(InvalidImageError):
            await engine.ask(request("the cup", image=b"no picture"))

        pid = await engine.process_id()
        asked = [asyncio.create_task(engine.ask(request(*PHRASES))) for _ in range(6)]
        while engine.waiting < len(asked):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
        replies = await asyncio.gather(*asked)
        assert engine.retried >= 1
        assert await engine.process_id() != pid
        for reply in replies:
            assert [answer.phrase for answer in reply.answers] == list(PHRASES)
            assert [answer.status for answer in reply.answers[:2]] == [answer.status for answer in alone.answers]
        assert engine.waiting == 0
    finally:
        await engine.close()
    assert not engine.ready
