"""A picture and what is asked of it, on its way through the queue."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.asks import Ask, FindAsk
from kosmos_agent.errors import GoalTimeoutError, KosmosAgentError, NoImageError
from kosmos_agent.results import GroundedText, Grounding
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.view import View

PICTURE_COST = 2
"""Of reading a new picture, in phrases."""


@dataclass(frozen=True, eq=False)
class Picture:
    """rgb: (H, W, 3) uint8. taken_s: on the clock of the queue. digest: what equal pictures share; None: it is its own.

    stamp_ns: when it was taken, on the camera's clock.
    """

    rgb: NDArray[np.uint8]
    taken_s: float
    stamp_ns: int | None = None
    frame_id: str = "camera_optical_frame"
    digest: bytes | None = None

    @property
    def nbytes(self) -> int:
        return self.rgb.nbytes


@dataclass(frozen=True, eq=False)
class Answered:
    """answers: one for each phrase, box or question. age_s: of the picture, when the last of them was known."""

    picture: Picture
    answers: tuple[Grounding | GroundedText, ...]
    age_s: float


OnAnswer = Callable[[Answered | KosmosAgentError], None]
"""Told of each answer to standing phrases, or why a picture had none."""


@dataclass(eq=False)
class Job:
    """of_camera: asks about the newest picture of the camera `client`, which is taken at its turn; `picture` is given
    otherwise. deadline_s: None for standing phrases.

    answers: of those phrases that had their turn; the rest follow in later ones.
    """

    client: str
    ask: Ask
    deadline_s: float | None
    picture: Picture | None = None
    of_camera: bool = False
    token: CancelToken = field(default_factory=CancelToken)
    future: Future[Answered] = field(default_factory=Future)
    view: View | None = None
    answers: list[Grounding | GroundedText] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.future.set_running_or_notify_cancel()  # whoever awaits it cancels the job, not the future

    def settle(self, outcome: Answered | KosmosAgentError) -> None:
        """The first outcome is the one that counts."""
        with contextlib.suppress(InvalidStateError):
            if isinstance(outcome, KosmosAgentError):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)

    @property
    def divisible(self) -> bool:
        """Whether a part of it can have its turn."""
        return isinstance(self.ask, FindAsk) and not self.ask.each

    @property
    def is_answered(self) -> bool:
        return not self.divisible or len(self.answers) == self.ask.cost

    def next_phrases(self, count: int) -> tuple[tuple[str, ...], bool | None]:
        """Of a divisible job, with its `zoom`."""
        start = len(self.answers)
        return (self.ask.phrases[start : start + count], self.ask.zoom) if isinstance(self.ask, FindAsk) else ((), None)

    def taken(self) -> Picture:
        """Its picture, once its turn has come. NoImageError before."""
        if self.picture is None:
            raise NoImageError(f"no picture of {self.client} was taken yet")
        return self.picture

    def seen(self) -> View:
        """Its picture as the model read it. NoImageError before."""
        if self.view is None:
            raise NoImageError(f"the picture of {self.client} was not read yet")
        return self.view

    @property
    def price(self) -> int:
        """Of its next part, in phrases."""
        return (1 if self.divisible else self.ask.cost) + (PICTURE_COST if self.view is None else 0)

    def check(self, now_s: float) -> None:
        """CancelledError, GoalTimeoutError where nobody waits for it any more."""
        self.token.raise_if_cancelled()
        if self.deadline_s is not None and now_s > self.deadline_s:
            raise GoalTimeoutError("the time limit ran out before the answer")
