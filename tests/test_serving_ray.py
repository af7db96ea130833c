"""Replicas on Ray Serve: lost ones, full ones and slow ones by script, and real Ray with a replica that is killed."""

import asyncio
import os
import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("ray", reason="ray not installed (extra scale)")

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError
from ray.serve.exceptions import BackPressureError
from serving_engine import grounding, png

from kosmos_agent.asks import FindAsk
from kosmos_agent.errors import (
    BusyError,
    GoalTimeoutError,
    InvalidArgumentError,
    InvalidImageError,
    NotReadyError,
    UnforeseenError,
)
from kosmos_agent.results import Frame
from kosmos_agent.serving import ray_engine
from kosmos_agent.serving.engine import GroundReply, Request
from kosmos_agent.serving.ray_engine import RayEngine, Resources, Told

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


class SharedServe:
    """Ray Serve of a cluster by script: `applications` by name, each with so many replicas that run."""

    def __init__(self, **applications):
        self.applications, self.ended = applications, []
        self.deployment = ray_engine.serve.deployment

    def start(self, proxy_location):
        assert proxy_location == "Disabled"

    def status(self):
        made = {
            name: SimpleNamespace(deployments={"Replica": SimpleNamespace(replica_states={"RUNNING": count})})
            for name, count in self.applications.items()
        }
        return SimpleNamespace(applications=made)

    def run(self, application, name, route_prefix):
        assert route_prefix is None
        self.applications[name] = 2
        return Replicas()

    def delete(self, name):
        self.applications.pop(name)
        self.ended.append(name)

    def shutdown(self):
        self.ended += [*self.applications]
        self.applications.clear()


@pytest.fixture
def shared(monkeypatch):
    cluster = SharedServe(theirs=3)
    monkeypatch.setattr(ray_engine, "serve", cluster)
    monkeypatch.setattr(ray_engine, "connect", lambda address, cpus: True)
    monkeypatch.setattr(ray_engine.ray, "shutdown", lambda: None)
    monkeypatch.setattr(ray_engine.ray, "cluster_resources", lambda: {"CPU": 4.0, "GPU": 1.0})
    return cluster


async def test_what_others_have_on_a_cluster_is_left_to_them(shared):
    engine, other = (RayEngine({}, replicas=2, address="10.0.0.1:6379") for _ in range(2))
    await engine.start()
    await other.start()
    assert set(shared.applications) == {"theirs", engine.name, other.name}
    await engine.close()
    assert (shared.ended, set(shared.applications)) == ([engine.name], {"theirs", other.name})
    await other.close()
    assert set(shared.applications) == {"theirs"}


async def test_a_name_that_is_taken_is_refused_and_nothing_ended(shared):
    engine = RayEngine({}, replicas=2, address="10.0.0.1:6379", name="theirs")
    with pytest.raises(InvalidArgumentError, match="'theirs' is on this cluster already; valid: another name"):
        await engine.start()
    await engine.close()
    assert (shared.ended, shared.applications) == ([], {"theirs": 3})


async def test_of_a_ray_of_our_own_all_is_ended(shared):
    engine = RayEngine({}, replicas=2)
    await engine.start()
    await engine.close()
    assert shared.applications == {}


async def test_it_is_ready_while_a_replica_runs(shared):
    engine = RayEngine({}, replicas=2, address="10.0.0.1:6379")
    assert not engine.ready
    await engine.start()
    assert engine.ready
    shared.applications[engine.name] = 0
    engine._watch.look()
    assert not engine.ready
    shared.applications[engine.name] = 1
    engine._watch.look()
    assert engine.ready
    await engine.close()
    assert not engine.ready


def test_a_replica_has_the_gpu_that_it_asks_for():
    deployment = RayEngine({}, replicas=4, each=Resources(cpus=2, gpus=0.5))._deployment()
    assert (deployment.num_replicas, deployment.ray_actor_options["num_gpus"]) == (4, 0.5)
    assert deployment.ray_actor_options["num_cpus"] == 2
    assert RayEngine({}, replicas=1)._deployment().ray_actor_options["num_gpus"] == 0


async def test_more_gpus_than_this_machine_has_are_not_waited_for(shared):
    with pytest.raises(InvalidArgumentError, match="4 GPUs are asked for and Ray has 1; valid: at most 1"):
        await RayEngine({}, replicas=4, each=Resources(gpus=1)).start()


@pytest.mark.slow
async def test_two_servers_on_one_ray_do_not_know_each_other():
    """And a server whose replicas are all gone says so until there is one again."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    each = Resources(cpus=0.5)
    engines = [RayEngine({"model": "tabletop", "threads": 1}, replicas=1, each=each) for _ in range(2)]
    try:
        for engine in engines:
            await engine.start()
            assert engine.ready
        first, second = engines
        await first.close()
        reply = await second.ask(request("the cup"))
        assert [answer.phrase for answer in reply.answers] == ["the cup"]
        os.kill(await second.process_id(), signal.SIGKILL)
        while second.ready:
            await asyncio.sleep(0.05)
        while not second.ready:
            await asyncio.sleep(0.05)
        await second.ask(request("the cup"))
        await second.close()
    finally:
        ray_engine.serve.shutdown()
        ray.shutdown()


@pytest.mark.slow  # Ray and the replicas take most of a minute to come up
async def test_a_replica_that_dies_takes_no_request_with_it():
    engine = RayEngine({"model": "tabletop", "threads": 1}, replicas=1, each=Resources(cpus=0.5))
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
