"""`Skills`: what a robot can be asked for, bound once to a camera, a model, an arm and limits.

Every skill blocks, ends by its own time limit or a cancel, and comes back with a report. "Not found" is a report; what
keeps a skill from answering is a coded error.
"""

from __future__ import annotations

import time

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.remote import RemoteGrounder
from kosmos_agent.results import Box, GroundedText, Status, Target3D
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import Planner
from kosmos_agent.skills.camera import CameraSource
from kosmos_agent.skills.deadline import Deadline
from kosmos_agent.skills.eyes import Eyes, Seen
from kosmos_agent.skills.hands import Hands, OnProgress, quiet
from kosmos_agent.skills.limits import Limits
from kosmos_agent.skills.reports import (
    DescribeReport,
    FindReport,
    LocatedTarget,
    LocateReport,
    PickReport,
    PlaceReport,
    Presence,
    PresenceReport,
    Problem,
)
from kosmos_agent.skills.room import PlaceRelation
from kosmos_agent.skills.sights import remember
from kosmos_agent.skills.targets import Remembered, TargetBook

_PRESENCE: dict[Status, Presence] = {
    "found": "present",
    "ambiguous": "present",
    "not_found": "absent",
    "cannot_tell": "cannot_tell",
}


class Skills:
    """Thread-safe; one motion at a time (BusyError).

    planner: None leaves picking and placing out (NoArmError). Every skill may also raise NoImageError,
    StaleImageError, GoalTimeoutError and CancelledError; InvalidPhraseError where it takes words.
    """

    def __init__(
        self,
        camera: CameraSource,
        grounder: Grounder | RemoteGrounder,
        planner: Planner | None = None,
        *,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.book = TargetBook(self.limits.same_thing_m, self.limits.max_targets)
        self.eyes = Eyes(camera, grounder, self.limits)
        self.hands = Hands(self.eyes, self.book, planner, self.limits)
        self.can_move = planner is not None

    def find_object(
        self, phrase: str, *, cancel: CancelToken | None = None, on_progress: OnProgress = quiet
    ) -> FindReport:
        """Where the thing is in the picture. Each candidate gets an id; in metres too where there is depth."""
        with self._answering(cancel) as deadline:
            on_progress("look")
            seen = self.eyes.look(deadline)
            on_progress("ground")
            answer = self.eyes.find(seen, phrase, deadline)
            target_ids = remember(self.book, answer, self.eyes.locate(seen, answer))
        return FindReport(
            status=answer.status,
            image=seen.note(),
            timings_ms=answer.timings_ms,
            answer=answer,
            target_ids=target_ids,
        )

    def locate_object(
        self, phrase: str, *, cancel: CancelToken | None = None, on_progress: OnProgress = quiet
    ) -> LocateReport:
        """Where the thing is in metres. NoDepthImageError of a camera without depth."""
        with self._answering(cancel) as deadline:
            on_progress("look")
            seen = self.eyes.look(deadline)
            _ = seen.depth  # an error before the model works, not after
            on_progress("ground")
            answer = self.eyes.find(seen, phrase, deadline)
            on_progress("locate")
            start_s = time.perf_counter()
            located = self.eyes.locate(seen, answer)
            timings_ms = {**answer.timings_ms, "locate": 1000 * (time.perf_counter() - start_s)}
            target_ids = remember(self.book, answer, located)
        pairs = list(zip(target_ids, located, strict=True))
        targets = tuple(
            LocatedTarget(target_id=name, target=thing) for name, thing in pairs if isinstance(thing, Target3D)
        )
        problems = [_problem(thing) for _, thing in pairs if not isinstance(thing, Target3D)]
        return LocateReport(
            status=answer.status,
            image=seen.note(),
            timings_ms=timings_ms,
            answer=answer,
            target_ids=target_ids,
            targets=targets,
            no_targets_because=None if targets or not problems else problems[0],
        )

    def describe_scene(self, *, cancel: CancelToken | None = None, on_progress: OnProgress = quiet) -> DescribeReport:
        """What is in view, each thing that is named linked to its box and given an id."""
        with self._answering(cancel) as deadline:
            on_progress("look")
            seen = self.eyes.look(deadline)
            on_progress("write")
            text = seen.view.caption(should_stop=deadline.should_stop)
        return self._described("describe_scene", seen, text)

    def describe_region(
        self,
        target_id: str | None = None,
        box: Box | None = None,
        *,
        cancel: CancelToken | None = None,
        on_progress: OnProgress = quiet,
    ) -> DescribeReport:
        """What is in a part of the picture. InvalidArgumentError unless exactly one is given; UnknownTargetError."""
        if (target_id is None) == (box is None):
            raise InvalidArgumentError("give a target_id or a box; valid: exactly one of them")
        with self._answering(cancel) as deadline:
            region = box or self.book.find(target_id or "").box
            on_progress("look")
            seen = self.eyes.look(deadline)
            on_progress("write")
            text = seen.view.describe(region, should_stop=deadline.should_stop)
        return self._described("describe_region", seen, text)

    def answer_about_scene(
        self, question: str, *, cancel: CancelToken | None = None, on_progress: OnProgress = quiet
    ) -> DescribeReport:
        """An answer to a question about what is in view."""
        with self._answering(cancel) as deadline:
            on_progress("look")
            seen = self.eyes.look(deadline)
            on_progress("write")
            text = seen.view.answer(question, should_stop=deadline.should_stop)
        return self._described("answer_about_scene", seen, text, question)

    def check_presence(
        self, phrase: str, *, cancel: CancelToken | None = None, on_progress: OnProgress = quiet
    ) -> PresenceReport:
        """Whether the thing is in view at all, and how sure that is."""
        with self._answering(cancel) as deadline:
            on_progress("look")
            seen = self.eyes.look(deadline)
            on_progress("ground")
            answer = self.eyes.find(seen, phrase, deadline)
        return PresenceReport(
            status=_PRESENCE[answer.status],
            image=seen.note(),
            timings_ms=answer.timings_ms,
            phrase=phrase,
            presence=answer.presence,
            probability_kind=answer.probability_kind,
        )

    def pick_object(
        self,
        phrase: str | None = None,
        target_id: str | None = None,
        *,
        cancel: CancelToken | None = None,
        on_progress: OnProgress = quiet,
    ) -> PickReport:
        """Looks until the thing stands still, takes it, lifts it, and looks whether it is gone from its place.

        Errors of `pick_by_sight`, BusyError, NoArmError, UnknownTargetError.
        """
        with Deadline(self.limits.motion_timeout_s, cancel) as deadline:
            return self.hands.pick(phrase, target_id, deadline, on_progress)

    def place_object(
        self,
        phrase: str | None = None,
        target_id: str | None = None,
        relation: PlaceRelation = "on",
        *,
        cancel: CancelToken | None = None,
        on_progress: OnProgress = quiet,
    ) -> PlaceReport:
        """Puts what is held on, in or beside the thing named, sides as the camera sees them. Errors as of picking."""
        with Deadline(self.limits.motion_timeout_s, cancel) as deadline:
            return self.hands.place(phrase, target_id, relation, deadline, on_progress)

    def close(self) -> None:
        self.eyes.camera.close()

    def _answering(self, cancel: CancelToken | None) -> Deadline:
        return Deadline(self.limits.answer_timeout_s, cancel)

    def _described(self, skill: str, seen: Seen, text: GroundedText, question: str | None = None) -> DescribeReport:
        boxes = [(entity.text, box) for entity in text.entities for box in entity.boxes]
        return DescribeReport(
            skill=skill,
            status="described" if question is None else "answered",
            image=seen.note(),
            timings_ms=text.timings_ms,
            description=text,
            question=question,
            target_ids=self.book.remember(Remembered(words, box) for words, box in boxes),
        )


def _problem(error: KosmosAgentError) -> Problem:
    return Problem(code=error.code, message=str(error))
