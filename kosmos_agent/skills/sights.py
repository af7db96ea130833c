"""The sight of one motion: fresh looks at what a phrase names, or at a thing that an answer told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError, NoDepthError, UnknownTargetError
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.pick import Begin, Sighting
from kosmos_agent.skills.deadline import Deadline
from kosmos_agent.skills.eyes import Eyes, Seen
from kosmos_agent.skills.targets import Remembered, TargetBook, distance_m


@dataclass(frozen=True)
class Wanted:
    """What a motion is about: a phrase alone, or a remembered thing, known again within `near_m` of where it was."""

    phrase: str
    target_id: str | None = None
    last: Target3D | None = None
    near_m: float = 0.05

    @classmethod
    def by(cls, book: TargetBook, phrase: str | None, target_id: str | None, near_m: float) -> Wanted:
        """InvalidArgumentError unless exactly one is given; UnknownTargetError; NoDepthError (never seen in metres)."""
        if (phrase is None) == (target_id is None):
            raise InvalidArgumentError("give a phrase or a target_id; valid: exactly one of them")
        if target_id is None:
            return cls(phrase or "")
        known = book.find(target_id)
        if known.target is None:
            raise NoDepthError(f"target {target_id!r} was never seen in depth; locate it first")
        return cls(known.phrase, target_id, known.target, near_m)


class MotionSight:
    """A `kosmos_agent.robot.pick.Sight`; every look is at a newer picture than the one before.

    seen, target_ids: of the last look, one id for each candidate.
    """

    seen: Seen

    def __init__(self, eyes: Eyes, book: TargetBook, wanted: Wanted, deadline: Deadline) -> None:
        self._eyes, self._book, self._wanted, self._deadline = eyes, book, wanted, deadline
        self._last = wanted.last
        self._stamp_ns: int | None = None
        self.target_ids: tuple[str, ...] = ()

    def __call__(self, begin: Begin) -> Sighting:
        begin("look")
        self.seen = self._eyes.look(self._deadline, self._stamp_ns)
        # A camera without stamps is only asked for what it has.
        self._stamp_ns = self.seen.shot.stamp_ns
        begin("ground")
        answer = self._eyes.find(self.seen, self._wanted.phrase, self._deadline)
        if answer.status not in ("found", "ambiguous"):
            return Sighting(answer)
        begin("locate")
        located = self._eyes.locate(self.seen, answer)
        self.target_ids = remember(self._book, answer, located)
        return self._sighting(answer, located)

    def _sighting(self, answer: Grounding, located: Sequence[Target3D | KosmosAgentError]) -> Sighting:
        if self._wanted.target_id is not None:
            return self._again(answer, [thing for thing in located if isinstance(thing, Target3D)], located)
        if answer.status != "found":
            return Sighting(answer)
        best = located[0]
        return Sighting(answer, best) if isinstance(best, Target3D) else Sighting(answer, error=best)

    def _again(
        self, answer: Grounding, targets: Sequence[Target3D], located: Sequence[Target3D | KosmosAgentError]
    ) -> Sighting:
        """The remembered thing among the candidates: which one is meant has been said already."""
        if not targets:
            return Sighting(answer, error=next(thing for thing in located if isinstance(thing, KosmosAgentError)))
        own = self._under_its_id(located)
        nearest = own if own is not None else min(targets, key=self._away_m)
        if self._away_m(nearest) > self._wanted.near_m:
            words = f"what is {self._wanted.phrase!r} now is not where target {self._wanted.target_id!r} was"
            return Sighting(answer, error=UnknownTargetError(f"{words}; nothing was moved"))
        self._last = nearest
        return Sighting(answer, nearest)

    def _under_its_id(self, located: Sequence[Target3D | KosmosAgentError]) -> Target3D | None:
        """Two boxes may lie on one thing: the one that the book knows again goes first."""
        for target_id, thing in zip(self.target_ids, located, strict=True):
            if target_id == self._wanted.target_id and isinstance(thing, Target3D):
                return thing if self._away_m(thing) <= self._wanted.near_m else None
        return None

    def _away_m(self, target: Target3D) -> float:
        return float("inf") if self._last is None else distance_m(self._last, target)


def remember(book: TargetBook, answer: Grounding, located: Sequence[Target3D | KosmosAgentError]) -> tuple[str, ...]:
    """An id for each candidate of an answer that is found or ambiguous."""
    if answer.status not in ("found", "ambiguous"):
        return ()
    targets = [thing if isinstance(thing, Target3D) else None for thing in located]
    targets += [None] * (len(answer.candidates) - len(targets))
    return book.remember(
        Remembered(answer.phrase, candidate.box, target)
        for candidate, target in zip(answer.candidates, targets, strict=True)
    )
