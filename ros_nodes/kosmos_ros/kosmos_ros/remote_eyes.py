"""`RemoteEyes`: the sight of one pick, through the grounding node."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kosmos_agent.errors import NoDepthError, PlanningError, StaleImageError, UnknownTargetError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.pick import Begin, Sighting, StepName
from kosmos_ros.errors import TimeJumpedBackError
from kosmos_ros.grounding_client import GroundingClient, Heard
from kosmos_ros.target_book import TargetBook
from kosmos_ros.targets import LocatedTarget

STAGES: dict[str, StepName] = {
    "waiting_for_image": "look",
    "encoding": "ground",
    "grounding": "ground",
    "locating": "locate",
}
_ORDER: tuple[StepName, ...] = ("look", "ground", "locate")
_AGAIN_S = 0.05


@dataclass(frozen=True)
class Wanted:
    """What to look for. A tracked thing (target_id) is known again by its id, or within near_m of where it was."""

    phrase: str
    frame_id: str
    target_id: str = ""
    last: Target3D | None = None
    near_m: float = 0.03


class RemoteEyes:
    """A `kosmos_agent.robot.pick.Sight`: each look rests on a picture newer than the look before.

    remaining_s: wall time left of the pick. on_stage: told of each stage as it begins, and which look it belongs to.
    heard, located: of the last look. Errors of the client, StaleImageError (no newer picture comes),
    TimeJumpedBackError, PlanningError (targets in another frame than the arm's).
    """

    def __init__(
        self,
        client: GroundingClient,
        book: TargetBook,
        wanted: Wanted,
        remaining_s: Callable[[], float],
        cancel: CancelToken,
        on_stage: Callable[[StepName, int], None],
    ) -> None:
        self._client, self._book, self._wanted = client, book, wanted
        self._remaining_s, self._cancel, self._on_stage = remaining_s, cancel, on_stage
        self._last = wanted.last
        self._stamp_ns = 0
        self._looks = 0
        self.heard: Heard | None = None
        self.located: LocatedTarget | None = None

    def __call__(self, begin: Begin) -> Sighting:
        self._looks += 1
        begun = 0

        def reach(stage: StepName) -> None:
            # Feedback may come late or never, and a node that was started again begins anew.
            nonlocal begun
            while begun <= _ORDER.index(stage):
                begin(_ORDER[begun])
                self._on_stage(_ORDER[begun], self._looks)
                begun += 1

        reach("look")
        heard = self.heard = self._newer(lambda phase: reach(STAGES[phase]) if phase in STAGES else None)
        reach("ground")
        if heard.targets or heard.answer.status == "found":
            reach("locate")
        self._remember(heard)
        return self._sighting(heard)

    def _newer(self, on_phase: Callable[[str], None]) -> Heard:
        deadline_s = time.monotonic() + self._client.answer_timeout_s
        while True:
            heard = self._client.find(
                self._wanted.phrase,
                target_frame=self._wanted.frame_id,
                timeout_s=self._remaining_s(),
                on_phase=on_phase,
                cancel=self._cancel,
            )
            stamp_ns = heard.answer.frame.stamp_ns or 0
            if stamp_ns > self._stamp_ns:
                self._stamp_ns = stamp_ns
                return heard
            if 0 < stamp_ns < self._stamp_ns:
                raise TimeJumpedBackError("the pictures' stamps went back between two looks; nothing was moved")
            if time.monotonic() > deadline_s:
                raise StaleImageError(f"no newer picture came within {self._client.answer_timeout_s:g} s of the last")
            self._cancel.wait(_AGAIN_S)

    def _remember(self, heard: Heard) -> None:
        frame_id = self._wanted.frame_id
        for located in heard.targets:
            if located.target.frame_id != frame_id:
                raise PlanningError(f"a target came in frame {located.target.frame_id!r}; valid: {frame_id!r}")
            self._book.saw(located)

    def _sighting(self, heard: Heard) -> Sighting:
        answer, tracked = heard.answer, bool(self._wanted.target_id)
        located = self._again(heard.targets) if tracked else _best(heard)
        if located is not None:
            self.located, self._last = located, located.target
            return Sighting(answer, located.target)
        if tracked and heard.targets:
            words = f"what is {self._wanted.phrase!r} now neither has the id {self._wanted.target_id!r} nor is it there"
            return Sighting(answer, error=UnknownTargetError(f"{words}; nothing was moved"))
        if answer.status != "found":
            return Sighting(answer)
        return Sighting(answer, error=heard.target_error or NoDepthError("the likeliest candidate has no depth"))

    def _again(self, targets: tuple[LocatedTarget, ...]) -> LocatedTarget | None:
        """The tracked thing among them."""
        for located in targets:
            if located.track_id == self._wanted.target_id:
                return located
        nearest = min(targets, key=self._away_m, default=None)
        return nearest if nearest is not None and self._away_m(nearest) <= self._wanted.near_m else None

    def _away_m(self, located: LocatedTarget) -> float:
        if self._last is None:
            return float("inf")
        return float(np.linalg.norm(np.subtract(located.target.position_m, self._last.position_m)))


def _best(heard: Heard) -> LocatedTarget | None:
    """Of an answer that is sure which thing is meant."""
    if heard.answer.status != "found":
        return None
    return next((located for located in heard.targets if located.candidate == 0), None)
