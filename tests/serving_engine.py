"""An engine by script behind the real application, and the application on a real port."""

import asyncio
import contextlib
import io
import threading
import time

import numpy as np
from PIL import Image

from kosmos_agent.asks import FindAsk
from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.results import Box, Candidate, Frame, GroundedText, Grounding
from kosmos_agent.serving.engine import GroundReply, TextReply
from kosmos_agent.serving.server import GroundingServer, WayIn

WAIT_S = 30.0
"""Nothing here takes as long: what waits so long has failed."""


def png(side=8):
    file = io.BytesIO()
    Image.fromarray(np.zeros((side, side, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


class ScriptedEngine:
    """Answers at once; the phrase "held" when `release` is set; `error` instead of an answer.

    asked: the requests that came. cancelled: how many were given up by the server.
    """

    def __init__(self, error=None):
        self.ready = False
        self.error = error
        self.asked, self.cancelled = [], 0
        self.held, self.release = threading.Event(), threading.Event()

    async def start(self):
        self.ready = True

    async def close(self):
        self.ready = False
        self.release.set()

    async def ask(self, request):
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        words = getattr(request.ask, "phrases", None) or getattr(request.ask, "questions", ("text",))
        if "held" in words:
            await self._hold()
        frame = Frame(width=8, height=8, stamp_ns=request.stamp_ns, frame_id=request.frame_id)
        if isinstance(request.ask, FindAsk):
            return GroundReply(answers=tuple(grounding(phrase, frame) for phrase in words), age_s=request.age_s + 0.5)
        texts = tuple(GroundedText(text=f"{request.ask.task}: {word}", entities=(), frame=frame) for word in words)
        return TextReply(answers=texts, age_s=0.5)

    async def _hold(self):
        self.held.set()
        try:
            while not self.release.is_set():
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


def grounding(phrase, frame):
    return Grounding(
        phrase=phrase,
        status="found",
        candidates=(Candidate(box=Box(x1=0.1, y1=0.2, x2=0.3, y2=1 / 3), probability=0.9),),
        presence=0.97,
        probability_kind="calibrated",
        frame=frame,
        model="scripted",
        timings_ms={"vision": 1.5},
    )


@contextlib.contextmanager
def serving(engine, way=None, **options):
    """A server on a free port of this machine, in a thread of its own."""
    server = GroundingServer(engine, way or WayIn(port=0), **options)
    thread = threading.Thread(target=run, args=[server], daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    try:
        yield server
    finally:
        if hasattr(engine, "release"):
            engine.release.set()
        server.stop()
        thread.join(WAIT_S)
    assert not thread.is_alive()


def run(server):
    with contextlib.suppress(KosmosAgentError):
        server.run()


def until(condition):
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it does not come"
        time.sleep(0.005)
