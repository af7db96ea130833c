"""`Hands`: one arm, moved for one caller at a time, and looked at again afterwards: what it claims must be seen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kosmos_agent.errors import BusyError, NoArmError, PlanningError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.pick import PickReport as PickCourse
from kosmos_agent.robot.pick import PickStep, pick_by_sight
from kosmos_agent.robot.planner import MotionOutcome, Phase, PhaseCallback, PlaceGoal, Planner
from kosmos_agent.skills.confirming import Place, is_gone, is_there
from kosmos_agent.skills.deadline import Deadline
from kosmos_agent.skills.eyes import Eyes
from kosmos_agent.skills.limits import Limits
from kosmos_agent.skills.reports import Confirmed, PickReport, PlaceReport
from kosmos_agent.skills.room import PlaceRelation, place_goal, place_volume, thing_volume
from kosmos_agent.skills.sights import MotionSight, Wanted
from kosmos_agent.skills.targets import TargetBook

OnProgress = Callable[[str], object]


def quiet(_: str) -> None:
    """Nobody listens."""


class Hands:
    """held: what was picked last and not put down, as it stood before."""

    def __init__(self, eyes: Eyes, book: TargetBook, planner: Planner | None, limits: Limits) -> None:
        self._eyes, self._book, self._limits = eyes, book, limits
        self._planner = planner
        self._turn = threading.Lock()
        self.held: Target3D | None = None

    def pick(
        self, phrase: str | None, target_id: str | None, deadline: Deadline, on_progress: OnProgress
    ) -> PickReport:
        """Errors of `pick_by_sight`, BusyError, NoArmError, UnknownTargetError."""
        with self._moving() as planner:
            wanted = Wanted.by(self._book, phrase, target_id, self._limits.same_thing_m)
            sight = MotionSight(self._eyes, self._book, wanted, deadline)
            course = _judged(self._course(sight, wanted.phrase, planner, deadline, on_progress), deadline)
            if course.outcome is not None:
                self.held = course.target if course.outcome.succeeded else None
            return self._picked(wanted, sight, course, deadline)

    def place(
        self,
        phrase: str | None,
        target_id: str | None,
        relation: PlaceRelation,
        deadline: Deadline,
        on_progress: OnProgress,
    ) -> PlaceReport:
        """Puts down what is held. PlanningError: nothing is, no room, or out of reach; others as of `pick`."""
        with self._moving() as planner:
            if self.held is None:
                raise PlanningError("nothing is held that could be put down; pick something up first")
            wanted = Wanted.by(self._book, phrase, target_id, self._limits.same_thing_m)
            sight = MotionSight(self._eyes, self._book, wanted, deadline)
            course = self._course(sight, wanted.phrase, None, deadline, on_progress)
            if course.status != "handed_over" or course.target is None:
                return _not_placed(course, wanted, relation, sight)
            goal = place_goal(self.held, course.target, relation, sight.seen.depth, self._limits.beside_m)
            place = Place(place_volume(goal, self.held, course.target), sight.seen)
            outcome = _in_time(planner.place(goal, on_phase=_told(on_progress), cancel=deadline.token), deadline)
            confirmed: Confirmed = "cannot_tell"
            if outcome.succeeded:
                held, self.held = self.held, None
                confirmed = is_there(self._eyes, place, held, deadline)
            return _placed(course, wanted, relation, sight, goal, outcome, confirmed)

    @contextmanager
    def _moving(self) -> Iterator[Planner]:
        if self._planner is None:
            raise NoArmError("no arm is bound to these skills; valid: what looks and tells")
        if not self._turn.acquire(blocking=False):
            raise BusyError("the arm works on another motion; ask again when it has ended")
        try:
            yield self._planner
        finally:
            self._turn.release()

    def _course(
        self,
        sight: MotionSight,
        phrase: str,
        planner: Planner | None,
        deadline: Deadline,
        on_progress: OnProgress,
    ) -> PickCourse:
        limits = self._limits

        def stepped(step: PickStep) -> None:
            on_progress(step.name if step.name == "pick" else f"{step.name} {step.look}")

        return pick_by_sight(
            phrase,
            sight,
            planner,
            max_looks=limits.max_looks,
            settled_m=limits.settled_m,
            recheck_m=None if planner is None else limits.recheck_m,
            on_step=stepped,
            on_phase=_told(on_progress),
            cancel=deadline.token,
        )

    def _picked(self, wanted: Wanted, sight: MotionSight, course: PickCourse, deadline: Deadline) -> PickReport:
        confirmed: Confirmed = "cannot_tell"
        if course.picked and course.target is not None:
            place = Place(thing_volume(course.target), sight.seen)
            confirmed, doubt = is_gone(self._eyes, place, course.target, wanted, deadline)
            if confirmed == "no":
                course = course.model_copy(update={"status": "not_picked", "message": doubt})
        ambiguous = course.status == "ambiguous"
        return PickReport(
            status=course.status,
            image=sight.seen.note(),
            timings_ms=_timings(course),
            pick=course,
            target_id=_id_of(sight, course),
            target_ids=sight.target_ids if ambiguous else (),
            question=course.answer.question if ambiguous else None,
            confirmed=confirmed,
        )


def _told(on_progress: OnProgress) -> PhaseCallback:
    def told(phase: Phase) -> None:
        on_progress(phase)

    return told


def _timings(course: PickCourse) -> dict[str, float]:
    return {f"{step.name}_{step.look}": step.duration_ms for step in course.steps}


def _id_of(sight: MotionSight, course: PickCourse) -> str | None:
    """Of the thing that the motion was about."""
    if course.target is None:
        return None
    boxes = [candidate.box for candidate in course.answer.candidates]
    return sight.target_ids[boxes.index(course.target.box)] if course.target.box in boxes else None


def _judged(course: PickCourse, deadline: Deadline) -> PickCourse:
    if course.outcome is None:
        return course
    outcome = _in_time(course.outcome, deadline)
    return course.model_copy(
        update={"outcome": outcome, "message": outcome.message if not outcome.succeeded else course.message}
    )


def _in_time(outcome: MotionOutcome, deadline: Deadline) -> MotionOutcome:
    """A motion that the time limit stopped ended by timeout."""
    if outcome.reason != "cancelled" or not deadline.expired:
        return outcome
    words = f"{deadline.words}; the arm stands still where it was"
    return outcome.model_copy(update={"reason": "timeout", "message": words})


def _placed(
    course: PickCourse,
    wanted: Wanted,
    relation: PlaceRelation,
    sight: MotionSight,
    goal: PlaceGoal,
    outcome: MotionOutcome,
    confirmed: Confirmed,
) -> PlaceReport:
    placed = outcome.succeeded and confirmed != "no"
    unseen = outcome.succeeded and not placed
    return PlaceReport(
        status="placed" if placed else "not_placed",
        image=sight.seen.note(),
        timings_ms=_timings(course),
        message="it was let go of, and is not seen where it should be" if unseen else outcome.message,
        phrase=wanted.phrase,
        relation=relation,
        answer=course.answer,
        target_id=_id_of(sight, course),
        goal_m=goal.position_m,
        frame_id=goal.frame_id,
        outcome=outcome,
        confirmed=confirmed,
    )


def _not_placed(course: PickCourse, wanted: Wanted, relation: str, sight: MotionSight) -> PlaceReport:
    status = course.status if course.status in ("not_found", "ambiguous", "cannot_tell", "moving") else "cannot_tell"
    ambiguous = status == "ambiguous"
    return PlaceReport(
        status=status,
        image=sight.seen.note(),
        timings_ms=_timings(course),
        message=course.message,
        phrase=wanted.phrase,
        relation=relation,
        answer=course.answer,
        target_id=None,
        target_ids=sight.target_ids if ambiguous else (),
        question=course.answer.question if ambiguous else None,
        confirmed="cannot_tell",
    )
