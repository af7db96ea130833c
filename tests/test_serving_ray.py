"""Replicas on Ray Serve: lost ones, full ones and slow ones by script, and real Ray with a replica that is killed."""

import asyncio
import os
import signal
from dataclasses import replace

import pytest

pytest.importorskip("ray", reason="ray not installed (extra scale)")

from ray.exceptions import ActorDiedError, ActorUnavailableError
from ray.serve.exceptions import BackPressureError
from serving_engine import grounding, png

from kosmos_agent.asks import FindAsk
from kosmos_agent.errors import BusyError, GoalTimeoutError, InvalidImageError, NotReadyError, UnforeseenError
from kosmos_agent.results import Frame
from kosmos_agent.serving.engine import GroundReply, Request
from kosmos_agent.serving.ray_engine import RayEngine, Told

PHRASES = tuple(
    f"the {colour} cup" for colour in ("red", "blue", "green", "yellow", "white", "black", "orange", "pink")
)


def request(*phrases, image=None):
    return Request(image or png(64), FindAsk(phrases=phrases), "robot", timeout_s=240.0)


class Replicas:
    """A deployment's handle by script: an exception, a `Told`, or "never"."""

    def __init__(self, *script):
        self.script, self.asked, self.cancelled = list(script), 0, 0

    @property
    def ask(self):
        return self

    def remote(self, _):
        self.asked += 1
        return Response(self, self.script.pop(0))


class Response:
    def __init__(self, replicas, outcome):
        self._replicas, self._outcome = replicas, outcome

    def __await__(self):
        return self._answer().__await__()

    async def _answer(self):
        if self._outcome == "never":
            await asyncio.Event().wait()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def cancel(self):
        self._replicas.cancelled += 1


def engine_of(*script):
    engine = RayEngine({}, replicas=2)
    engine._handle = Replicas(*script)
    return engine, engine._handle


def told():
    frame = Frame(width=8, height=8)
    return Told(reply=GroundReply(answers=(grounding("the cup", frame),), age_s=0.5).model_dump_json())


async def test_a_request_goes_on_to_another_replica_where_one_is_lost():
    engine, replicas = engine_of(ActorDiedError(), ActorUnavailableError("gone", None), told())
    reply = await engine.ask(request("the cup"))
    assert [answer.phrase for answer in reply.answers] == ["the cup"]
    assert (replicas.asked, engine.retried, engine.waiting) == (3, 2, 0)


async def test_a_request_that_kills_every_replica_is_given_up():
    engine, replicas = engine_of(*[ActorDiedError() for _ in range(99)])
    with pytest.raises(UnforeseenError, match="replicas died of this request"):
        await engine.ask(request("the cup"))
    assert replicas.asked == 4


async def test_what_replicas_say_keeps_its_code():
    engine, _ = engine_of(Told(code="invalid_image", message="what was wrong"), BackPressureError(9, 8), told())
    with pytest.raises(InvalidImageError, match="what was wrong"):
        await engine.ask(request("the cup"))
    with pytest.raises(BusyError, match="for 2 replicas"):
        await engine.ask(request("the cup"))
    with pytest.raises(NotReadyError):
        await RayEngine({}, replicas=1).ask(request("the cup"))


async def test_whoever_waits_no_more_stops_the_work():
    engine, replicas = engine_of("never", "never")
    with pytest.raises(GoalTimeoutError):
        await engine.ask(replace(request("the cup"), timeout_s=0.01))
    gone = asyncio.create_task(engine.ask(request("the cup")))
    while replicas.asked < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (replicas.cancelled, engine.waiting) == (2, 0)


@pytest.mark.slow  # Ray and the replicas take most of a minute to come up
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
