"""A camera as the queue knows it: its newest picture, and the phrases that stand."""

from __future__ import annotations

from dataclasses import dataclass, field

from kosmos_agent.asks import FindAsk
from kosmos_agent.errors import KosmosAgentError, NoImageError, StaleImageError
from kosmos_agent.serving.jobs import Answered, Job, OnAnswer, Picture


@dataclass(eq=False)
class Camera:
    """seen, passed_over: pictures that came, and of those the ones that a newer one replaced before their turn.

    A picture whose turn has begun is answered whole, else one with many phrases would never be.
    """

    name: str
    newest: Picture | None = None
    seen: int = 0
    passed_over: int = 0
    _ask: FindAsk | None = None
    _on_answer: OnAnswer = field(default=lambda answered: None)
    _standing: Job | None = None
    _begun: Picture | None = None

    def show(self, picture: Picture) -> None:
        if self._ask is not None and self.newest is not None and self.newest is not self._begun:
            self.passed_over += 1
        self.newest = picture
        self.seen += 1

    def watch(self, ask: FindAsk | None, on_answer: OnAnswer) -> None:
        """None: nothing stands any more. What was begun for other phrases is dropped."""
        self._ask, self._on_answer = ask, on_answer
        self._standing = self._begun = None

    def fresh(self, now_s: float, max_age_s: float) -> Picture:
        """NoImageError, StaleImageError."""
        if self.newest is None:
            raise NoImageError(f"no picture of {self.name} has come")
        age_s = now_s - self.newest.taken_s
        if age_s > max_age_s:
            raise StaleImageError(
                f"the newest picture of {self.name} is {age_s:.3g} s old; valid: at most {max_age_s:g} s"
            )
        return self.newest

    def standing(self, now_s: float, max_age_s: float) -> Job | None:
        """The standing phrases on the picture that was begun, or else on the newest; None where it had its turn."""
        job = self._standing
        if job is not None and job.picture is self._begun:
            return job
        if self._ask is None or self.newest is None or self.newest is self._begun:
            return None
        if now_s - self.newest.taken_s > max_age_s:
            return None
        if job is None:
            job = self._standing = Job(self.name, self._ask, None)
        job.picture = self.newest
        return job

    def begin(self, job: Job) -> None:
        """A part of the job has its turn: no newer picture takes the place of its own any more."""
        if job is self._standing:
            self._begun = job.picture

    def end(self, job: Job) -> OnAnswer:
        """The standing job is done; whom to tell."""
        if job is not self._standing:
            return _nobody
        self._standing = None
        return self._on_answer


def _nobody(answered: Answered | KosmosAgentError) -> None:
    """Of phrases that stand no more."""
