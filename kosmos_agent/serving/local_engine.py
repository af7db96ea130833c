"""The engine of one process: pictures are unpacked on helper threads, the model runs on its own."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from kosmos_agent.errors import NotReadyError
from kosmos_agent.images import decode_image
from kosmos_agent.results import GroundedText, Grounding
from kosmos_agent.serving.engine import GroundReply, Reply, Request, TextReply
from kosmos_agent.serving.jobs import Answered, Picture
from kosmos_agent.serving.worker import Worker

MAX_PIXELS = 16_000_000
"""Of one picture; a camera's has 0.3 to 12 million."""
_UNPACKING = 2
"""Pictures that are unpacked at a time: each may take 48 MB."""


class LocalEngine:
    """make: the worker; called on a helper thread, as a model takes its time to load."""

    def __init__(self, make: Callable[[], Worker], *, max_pixels: int = MAX_PIXELS) -> None:
        self._make, self._max_pixels = make, max_pixels
        self._worker: Worker | None = None
        self._unpacking = asyncio.Semaphore(_UNPACKING)

    @property
    def ready(self) -> bool:
        return self._worker is not None and self._worker.alive

    async def start(self) -> None:
        """No matter how often."""
        if self._worker is None:
            worker = await asyncio.to_thread(self._make)
            worker.start()
            self._worker = worker

    async def ask(self, request: Request) -> Reply:
        worker = self._worker
        if worker is None:
            raise NotReadyError("the model is not loaded; ask again later")
        begun_s = time.monotonic()
        taken_s = begun_s - request.age_s
        async with self._unpacking:
            picture = await asyncio.to_thread(partial(_unpacked, request, taken_s, self._max_pixels))
        left_s = request.timeout_s - (time.monotonic() - begun_s)  # unpacking, and waiting for it, counts
        job = worker.ask(request.client, request.ask, picture, timeout_s=left_s)
        try:
            return _reply(await asyncio.wrap_future(job.future))
        except asyncio.CancelledError:
            worker.cancel(job, "the client has gone")
            raise

    async def close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.stop)


def _unpacked(request: Request, taken_s: float, max_pixels: int) -> Picture:
    """InvalidImageError."""
    rgb = np.asarray(decode_image(request.image, max_pixels=max_pixels))
    digest = hashlib.sha256(request.image).digest()
    return Picture(rgb, taken_s, request.stamp_ns, request.frame_id, digest)


def _reply(answered: Answered) -> Reply:
    found = tuple(answer for answer in answered.answers if isinstance(answer, Grounding))
    if found:
        return GroundReply(answers=found, age_s=answered.age_s)
    texts = tuple(answer for answer in answered.answers if isinstance(answer, GroundedText))
    return TextReply(answers=texts, age_s=answered.age_s)
