"""The one thread that runs the model, and the queue before it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from kosmos_agent.asks import Ask, FindAsk
from kosmos_agent.errors import CancelledError, KosmosAgentError, NotReadyError, UnforeseenError
from kosmos_agent.results import GroundedText, Grounding
from kosmos_agent.serving.jobs import Answered, Job, OnAnswer, Picture
from kosmos_agent.serving.limits import QueueLimits
from kosmos_agent.serving.looking import Looker
from kosmos_agent.serving.scheduler import Part, Scheduler

Clock = Callable[[], float]
Answers = list[Grounding] | list[GroundedText]
DEFAULT_TIMEOUT_S = 30.0

_log = logging.getLogger(__name__)


class Worker:
    """Thread-safe. now_s: the clock of deadlines and ages.

    Without `start`, `step` does what the thread does, a pass at a time.
    """

    def __init__(self, looker: Looker, limits: QueueLimits | None = None, *, now_s: Clock = time.monotonic) -> None:
        self._looker, self._now_s = looker, now_s
        self._scheduler = Scheduler(limits)
        self._changed = threading.Condition()
        self._stopped = self._news = False
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    @property
    def waiting(self) -> int:
        """One-off questions, those under way included."""
        with self._changed:
            return self._scheduler.waiting

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """No matter how often."""
        with self._changed:
            if not self._stopped and self._thread.ident is None:
                self._thread.start()

    def stop(self) -> None:
        """Every question ends with NotReadyError; returns when the thread has ended."""
        with self._changed:
            self._stopped = True
            jobs = self._scheduler.drain()
            self._changed.notify_all()
        for job in jobs:
            job.token.cancel("the server is ending")
            job.settle(NotReadyError("the server is ending"))
        if self._thread.is_alive():
            self._thread.join()

    def show(self, camera: str, picture: Picture) -> None:
        """A camera's newest picture. BusyError for a camera too many."""
        with self._changed:
            self._scheduler.show(camera, picture)
            self._tell_thread()

    def watch(self, camera: str, phrases: Sequence[str], on_answer: OnAnswer, *, zoom: bool | None = None) -> None:
        """Phrases to be found in each newest picture of a camera; none ends it.

        on_answer: called on the thread of the model, with the error where a picture has no answer. Errors of `FindAsk`.
        """
        ask = FindAsk(phrases=tuple(phrases), zoom=zoom) if phrases else None
        with self._changed:
            self._scheduler.watch(camera, ask, on_answer)
            self._tell_thread()

    def forget(self, camera: str) -> None:
        """Its picture and its standing phrases; questions about it end with NoImageError."""
        with self._changed:
            self._scheduler.forget(camera)
            self._tell_thread()

    def counts(self, camera: str) -> tuple[int, int]:
        """Of a known camera: pictures that came, and of those the ones that a newer one replaced before their turn."""
        with self._changed:
            known = self._scheduler.cameras[camera]
            return known.seen, known.passed_over

    def ask(
        self, client: str, ask: Ask, picture: Picture | None = None, *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Job:
        """A question about a picture or, without one, about the newest of the camera `client`; see `Job.future`.

        BusyError where too many wait; InvalidArgumentError about a camera that there is not; NotReadyError at the end.
        """
        job = Job(client, ask, self._now_s() + timeout_s, picture, of_camera=picture is None)
        with self._changed:
            if self._stopped:
                raise NotReadyError("the server is ending")
            self._scheduler.add(job)
            self._tell_thread()
        return job

    def cancel(self, job: Job, reason: str = "the caller asked to stop") -> None:
        """Never waits for the model: what is in the queue ends here, what is being written at its next token."""
        job.token.cancel(reason)
        with self._changed:
            self._scheduler.remove(job)
        job.settle(CancelledError(reason))

    def step(self) -> bool:
        """One pass; False where nothing was wanted."""
        with self._changed:
            batch = self._scheduler.next_batch(self._now_s())
        for job, error in batch.ended:
            job.settle(error)
        if batch.parts:
            self._do(batch.parts)
        return bool(batch.parts or batch.ended)

    def _tell_thread(self) -> None:
        self._news = True
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._news or self._stopped)
                if self._stopped:
                    return
                self._news = False
            while self.step():
                pass

    def _do(self, parts: Sequence[Part]) -> None:
        """Where a pass fails, each part has another by itself: one picture's fault is not another's."""
        try:
            answers = self._answers(parts)
        except Exception as error:  # noqa: BLE001  # the thread outlives whatever a model throws
            if len(parts) > 1:
                for part in parts:
                    self._do([part])
                return
            self._end(parts[0].job, self._coded(error))
            return
        for part, found in zip(parts, answers, strict=True):
            self._took(part.job, found)

    def _answers(self, parts: Sequence[Part]) -> list[Answers]:
        unread = [part.job for part in parts if part.job.view is None]
        if unread:
            self._read(unread)
        together = [part for part in parts if part.job.divisible]
        if together:
            return list(self._looker.find([(part.job.seen(), *part.job.next_phrases(part.count)) for part in together]))
        (job,) = (part.job for part in parts)
        return [self._looker.write(job.seen(), job.ask, lambda: self._is_over(job))]

    def _read(self, jobs: Sequence[Job]) -> None:
        for job, view in zip(jobs, self._looker.views([job.taken() for job in jobs]), strict=True):
            job.view = view

    def _took(self, job: Job, answers: Answers) -> None:
        job.answers += answers
        try:
            job.check(self._now_s())
        except KosmosAgentError as error:
            self._end(job, error)
            return
        if not job.is_answered:
            return
        picture = job.taken()
        answered = Answered(picture, tuple(job.answers), self._now_s() - picture.taken_s)
        self._deliver(job, answered)

    def _deliver(self, job: Job, answered: Answered | KosmosAgentError) -> None:
        with self._changed:
            tell = self._scheduler.done(job)
        if tell is not None:
            self._tell(tell, answered)
        else:
            job.settle(answered)

    def _tell(self, tell: OnAnswer, answered: Answered | KosmosAgentError) -> None:
        try:
            tell(answered)
        except Exception:  # noqa: BLE001  # what hears of answers must not end the thread that makes them
            _log.error("a listener failed", exc_info=True)

    def _end(self, job: Job, error: KosmosAgentError) -> None:
        if isinstance(error, CancelledError) and not job.token.cancelled:
            try:
                job.check(self._now_s())  # stopped by its own time limit, which has an error of its own
            except KosmosAgentError as why:
                error = why
        self._deliver(job, error)

    def _is_over(self, job: Job) -> bool:
        return job.token.cancelled or (job.deadline_s is not None and self._now_s() > job.deadline_s)

    def _coded(self, error: Exception) -> KosmosAgentError:
        if isinstance(error, KosmosAgentError):
            return error
        _log.error("the model failed", exc_info=error)
        return UnforeseenError(f"an unforeseen {type(error).__name__}; see the server's log")
