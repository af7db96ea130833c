"""The one thread that runs the model: goals in their order, then standing phrases on the newest picture."""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from kosmos_agent.errors import BusyError, CancelledError, GoalTimeoutError, KosmosAgentError, StaleImageError
from kosmos_agent.robot.cancel import CancelToken
from kosmos_ros.answering import Answered, Answering
from kosmos_ros.errors import ClockSkewError, NotActiveError, UnexpectedError
from kosmos_ros.frames_in import Shot
from kosmos_ros.goals import GroundGoal
from kosmos_ros.settings import GroundingSettings

MAX_WAITING = 16

Progress = Callable[[str, int], None]
"""Told of the phase and of the tokens written so far."""


@dataclass(eq=False)
class Job:
    """A goal and what becomes of it. deadline_s: by `time.monotonic`."""

    goal: GroundGoal
    deadline_s: float
    progress: Progress = lambda phase, tokens: None
    token: CancelToken = field(default_factory=CancelToken)
    future: Future[Answered] = field(default_factory=Future)
    tokens: int = 0

    def should_stop(self) -> bool:
        return self.token.cancelled or time.monotonic() > self.deadline_s


class Worker:
    """on_answer, on_fault: called on the thread of the worker, after a goal's own answer is out."""

    def __init__(
        self,
        answering: Answering,
        settings: Callable[[], GroundingSettings],
        now_ns: Callable[[], int],
        on_answer: Callable[[Answered], None],
        on_fault: Callable[[KosmosAgentError], None],
    ) -> None:
        self._answering, self._settings, self._now_ns = answering, settings, now_ns
        self._on_answer, self._on_fault = on_answer, on_fault
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._current: Job | None = None
        self._news = self._stopped = False
        self._answered_number = 0
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Every goal ends with NotActiveError; returns when the thread is done."""
        with self._changed:
            self._stopped = True
            waiting, self._jobs = list(self._jobs), deque()
            if self._current is not None:
                self._current.token.cancel("the node was deactivated")
            self._changed.notify_all()
        for job in waiting:
            job.future.set_exception(NotActiveError("the node was deactivated"))
        self._thread.join()

    def submit(self, job: Job) -> None:
        """BusyError where too many wait already; NotActiveError once stopped."""
        with self._changed:
            if self._stopped:
                raise NotActiveError("the node is not active; activate it first")
            if len(self._jobs) >= MAX_WAITING:
                raise BusyError(f"{len(self._jobs)} goals wait already; valid: at most {MAX_WAITING}")
            self._jobs.append(job)
            self._changed.notify_all()

    def cancel(self, job: Job) -> None:
        """Never waits for the model: a goal in the queue ends here, a running one at its next token."""
        job.token.cancel()
        with self._changed:
            queued = job in self._jobs
            if queued:
                self._jobs.remove(job)
        if queued:
            job.future.set_exception(CancelledError(job.token.reason))

    def tell(self) -> None:
        """A new picture or other phrases."""
        with self._changed:
            self._news = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._jobs or self._news)
                if self._stopped:
                    return
                job = self._current = self._jobs.popleft() if self._jobs else None
                self._news = self._news and job is not None
            if job is None:
                self._guarded(self._stand)
            else:
                self._do(job)

    def _do(self, job: Job) -> None:
        try:
            answered = self._answer(job)
        except CancelledError as error:
            why = self._why(job, error)
            if isinstance(why, GoalTimeoutError):
                self._on_fault(why)
            self._fail(job, why)
        except KosmosAgentError as error:
            self._on_fault(error)
            self._fail(job, error)
        except Exception as error:  # noqa: BLE001  # the thread outlives whatever a model throws, and tells
            self._fail(job, self._unexpected(error))
        else:
            self._current = None
            job.future.set_result(answered)
            self._guarded(lambda: self._on_answer(answered))

    def _fail(self, job: Job, error: KosmosAgentError) -> None:
        self._current = None
        job.future.set_exception(error)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except KosmosAgentError as error:
            self._on_fault(error)
        except Exception as error:  # noqa: BLE001  # as above
            self._unexpected(error)

    def _unexpected(self, error: Exception) -> UnexpectedError:
        traceback.print_exception(error)
        told = UnexpectedError(f"{type(error).__name__}: {error}")
        self._on_fault(told)
        return told

    def _why(self, job: Job, error: CancelledError) -> KosmosAgentError:
        with self._changed:
            stopped = self._stopped
        if stopped:
            return NotActiveError("the node was deactivated")
        return error if job.token.cancelled else GoalTimeoutError(f"the goal's time limit ran out: {error}")

    def _answer(self, job: Job) -> Answered:
        settings = self._settings()
        if job.should_stop():
            raise CancelledError("stopped before it was begun")

        def report(phase: str) -> None:
            job.progress(phase, job.tokens)
            if job.should_stop():
                raise CancelledError("stopped, as asked")

        def should_stop() -> bool:
            if job.should_stop():
                return True
            job.progress("writing", job.tokens)
            job.tokens += 1
            return False

        report("waiting_for_image")
        timeout_s = min(settings.max_image_age_sec, job.deadline_s - time.monotonic())
        shot = self._answering.store.wait_fresh(
            self._now_ns,
            timeout_s,
            job.should_stop,
            max_age_s=settings.max_image_age_sec,
            max_skew_s=settings.max_clock_skew_sec,
        )
        answered = self._answering.goal(job.goal, shot, should_stop, report)
        if job.should_stop():
            raise CancelledError("stopped when it was answered already")
        return answered

    def _stand(self) -> None:
        """The standing phrases on the newest picture, once each."""
        settings, store = self._settings(), self._answering.store
        number = store.number
        if not settings.phrases or number <= self._answered_number:
            return
        self._answered_number = number
        shot = self._newest(settings)
        if shot is not None:
            self._on_answer(self._stood(shot, settings))

    def _newest(self, settings: GroundingSettings) -> Shot | None:
        try:
            return self._answering.store.newest(
                self._now_ns(), max_age_s=settings.max_image_age_sec, max_skew_s=settings.max_clock_skew_sec
            )
        except (StaleImageError, ClockSkewError) as error:
            self._on_fault(error)
            return None

    def _stood(self, shot: Shot, settings: GroundingSettings) -> Answered:
        try:
            return self._answering.standing(settings.phrases, shot)
        except KosmosAgentError as error:
            return self._answering.refused(settings.phrases, shot, error)
