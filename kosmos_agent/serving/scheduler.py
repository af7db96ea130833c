"""What is done next, and on which pictures: one-off questions, then standing phrases on the newest picture (pure).

Nobody's phrases wait for all of another's: a job is done in parts, and each pass holds parts of several.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from kosmos_agent.asks import FindAsk
from kosmos_agent.errors import BusyError, InvalidArgumentError, KosmosAgentError
from kosmos_agent.serving.cameras import Camera
from kosmos_agent.serving.fairness import DeficitRoundRobin
from kosmos_agent.serving.jobs import Job, OnAnswer, Picture
from kosmos_agent.serving.limits import QueueLimits


@dataclass(eq=False)
class Part:
    """So many of a job's next phrases; `count` is 1 for a job that has no parts."""

    job: Job
    count: int = 1

    @property
    def is_all(self) -> bool:
        """Nothing of the job is left behind it."""
        return not self.job.divisible or len(self.job.answers) + self.count == self.job.ask.cost


@dataclass(eq=False)
class Batch:
    """parts: of jobs that can be done in one pass, or the one part of a job that is done by itself.

    ended: jobs that came to nothing before their turn, and why.
    """

    parts: list[Part] = field(default_factory=list)
    ended: list[tuple[Job, KosmosAgentError]] = field(default_factory=list)

    @property
    def phrases(self) -> int:
        return sum(part.count for part in self.parts)

    @property
    def pictures(self) -> int:
        """That have not been read yet."""
        return sum(part.job.view is None for part in self.parts)

    def part_of(self, job: Job) -> Part | None:
        return next((part for part in self.parts if part.job is job), None)


class Scheduler:
    """Not thread-safe. Names are those of cameras and of clients, which are the same to it."""

    def __init__(self, limits: QueueLimits | None = None) -> None:
        self.limits = limits or QueueLimits()
        self.cameras: dict[str, Camera] = {}
        self._jobs: dict[str, deque[Job]] = {}
        self._turns = DeficitRoundRobin(self.limits.quantum)

    @property
    def waiting(self) -> int:
        """One-off questions, those under way included."""
        return sum(map(len, self._jobs.values()))

    @property
    def waiting_bytes(self) -> int:
        return sum(job.picture.nbytes for job in self._every_job() if job.picture is not None)

    def add(self, job: Job) -> None:
        """BusyError where too much waits; InvalidArgumentError about a camera that there is not."""
        size = 0 if job.picture is None else job.picture.nbytes
        if self.waiting >= self.limits.max_waiting or self.waiting_bytes + size > self.limits.max_waiting_bytes:
            raise BusyError(f"{self.waiting} questions wait already; valid: at most {self.limits.max_waiting}")
        if job.of_camera and job.client not in self.cameras:
            raise InvalidArgumentError(f"no camera {job.client!r}; valid: {', '.join(self.cameras) or 'none yet'}")
        self._jobs.setdefault(job.client, deque()).append(job)

    def remove(self, job: Job) -> None:
        """No matter whether it is there still."""
        queue = self._jobs.get(job.client, deque())
        if job in queue:
            queue.remove(job)
        if not queue:
            self._jobs.pop(job.client, None)

    def drain(self) -> list[Job]:
        """All that waits, which it forgets with the cameras."""
        jobs = list(self._every_job())
        self._jobs.clear()
        self.cameras.clear()
        return jobs

    def show(self, name: str, picture: Picture) -> None:
        """A camera's newest picture, in place of the one before. BusyError for a camera too many."""
        self._camera(name).show(picture)

    def watch(self, name: str, ask: FindAsk | None, on_answer: OnAnswer) -> None:
        """Standing phrases, in place of those before; None for none. BusyError as in `show`."""
        self._camera(name).watch(ask, on_answer)

    def forget(self, name: str) -> None:
        """A camera that is no more; questions about it have no picture."""
        self.cameras.pop(name, None)

    def next_batch(self, now_s: float) -> Batch:
        """Empty where nothing is wanted. Its jobs stay in the queue until `done`."""
        batch = Batch()
        self._end_what_is_over(batch, now_s)
        for name in (*self._jobs, *self.cameras):
            self._turns.join(name)

        offers: dict[str, Job] = {}

        def price(name: str) -> int | None:
            job = self._next_job(name, batch, now_s)
            if job is None:
                return None
            offers[name] = job
            return 1 if batch.part_of(job) else job.price

        while batch.phrases < self.limits.max_phrases and (turn := self._turns.peek(price)) is not None:
            name, due = turn
            job = offers[name]
            if not self._fits(job, batch):
                break
            self._turns.pay(name, due)
            self._plan(job, batch)
            if not job.divisible:
                break
        return batch

    def done(self, job: Job) -> OnAnswer | None:
        """Forgets it; whom to tell of it where it was a camera's standing one."""
        self.remove(job)
        camera = self.cameras.get(job.client)
        return camera.end(job) if camera is not None and job.deadline_s is None else None

    def _camera(self, name: str) -> Camera:
        if name not in self.cameras and len(self.cameras) >= self.limits.max_cameras:
            raise BusyError(f"{len(self.cameras)} cameras are known; valid: at most {self.limits.max_cameras}")
        return self.cameras.setdefault(name, Camera(name))

    def _plan(self, job: Job, batch: Batch) -> None:
        part = batch.part_of(job)
        if part is not None:
            part.count += 1
            return
        batch.parts.append(Part(job))
        camera = self.cameras.get(job.client)
        if camera is not None:
            camera.begin(job)

    def _fits(self, job: Job, batch: Batch) -> bool:
        if not batch.parts:
            return True
        if not job.divisible:
            return False
        return batch.part_of(job) is not None or job.view is not None or batch.pictures < self.limits.max_pictures

    def _next_job(self, name: str, batch: Batch, now_s: float) -> Job | None:
        """The first of this name that the batch does not hold whole."""
        for job in self._wanted(name, now_s):
            part = batch.part_of(job)
            if part is None or not part.is_all:
                return job
        return None

    def _wanted(self, name: str, now_s: float) -> Iterator[Job]:
        yield from self._jobs.get(name, ())
        camera = self.cameras.get(name)
        standing = None if camera is None else camera.standing(now_s, self.limits.max_age_s)
        if standing is not None:
            yield standing

    def _end_what_is_over(self, batch: Batch, now_s: float) -> None:
        """Questions out of time or cancelled, and those about a camera whose picture is none or too old.

        A question about a camera takes its newest picture now, for its turn may be this one.
        """
        for job in list(self._every_job()):
            try:
                self._check(job, now_s)
            except KosmosAgentError as error:
                self.remove(job)
                batch.ended.append((job, error))

    def _check(self, job: Job, now_s: float) -> None:
        job.check(now_s)
        if job.view is None and job.of_camera:
            camera = self.cameras.get(job.client, Camera(job.client))
            job.picture = camera.fresh(now_s, self.limits.max_age_s)

    def _every_job(self) -> Iterator[Job]:
        for queue in self._jobs.values():
            yield from queue
