"""A simulated robot behind the MCP server, for tests that talk to it as clients do."""

import asyncio
import threading
from contextlib import contextmanager

from kosmos_mcp import SkillServer
from kosmos_mcp.sdk import protocol_server
from kosmos_sim.camera_source import SimCamera
from kosmos_sim.world import Tabletop
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.types import CancelledNotification, CancelledNotificationParams, ClientNotification

from kosmos_agent.skills import Skills

WAIT_S = 60.0
"""Nothing here takes as long: a test that waits so long has failed."""


@contextmanager
def robot(grounder, seed=0, *, planner=lambda world: world.planner, **options):
    """(server, world). planner: makes the arm that is bound from the world; options: of `SkillServer`."""
    with Tabletop.random(seed, ("cup", "red")) as world:
        server = SkillServer(Skills(SimCamera(world), grounder, planner(world)), **{"allow_motion": True, **options})
        try:
            yield server, world
        finally:
            server.close()


def connected(server):
    """A real client session in this process, as an asynchronous context."""
    return create_connected_server_and_client_session(protocol_server(server))


class GatedArm:
    """The arm that it wraps, held at the beginning of one phase until its motion is cancelled."""

    def __init__(self, arm, phase):
        self.frame_id, self._arm, self._phase = arm.frame_id, arm, phase
        self.outcome, self.ended = None, threading.Event()

    def pick(self, target, *, on_phase=None, cancel=None):
        def gate(phase):
            on_phase(phase)
            if phase == self._phase:
                cancel.wait(WAIT_S)

        self.outcome = self._arm.pick(target, on_phase=gate, cancel=cancel)
        self.ended.set()
        return self.outcome

    def place(self, goal, *, on_phase=None, cancel=None):
        return self._arm.place(goal, on_phase=on_phase, cancel=cancel)


def gated(phase, made):
    """Makes a `GatedArm` of a world's arm, and appends it to `made`."""

    def make(world):
        made.append(GatedArm(world.planner, phase))
        return made[-1]

    return make


async def begin_call(session, name, arguments, step):
    """(task, request id) of a call under way, once the server has told of `step`."""
    reached = asyncio.Event()

    async def told(_, __, message):
        if message == step:
            reached.set()

    request_id = session._request_id  # the client has no name for the id that it will give
    task = asyncio.create_task(session.call_tool(name, arguments, progress_callback=told))
    await asyncio.wait_for(reached.wait(), WAIT_S)
    return task, request_id


async def send_cancel(session, request_id):
    parameters = CancelledNotificationParams(requestId=request_id, reason="changed my mind")
    await session.send_notification(
        ClientNotification(CancelledNotification(method="notifications/cancelled", params=parameters))
    )
