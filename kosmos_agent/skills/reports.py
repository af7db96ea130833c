"""What each skill comes back with: a status, what it rests on, and how old the picture was."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from kosmos_agent.results import GroundedText, Grounding, Probability, Status, Target3D
from kosmos_agent.robot.pick import PickReport as PickCourse
from kosmos_agent.robot.pick import PickStatus
from kosmos_agent.robot.planner import MotionOutcome

Presence = Literal["present", "absent", "cannot_tell"]
Confirmed = Literal["yes", "no", "cannot_tell"]
"""What depth says about a motion's claim when it is looked at again: `cannot_tell` where the view is blocked."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ImageNote(_Frozen):
    """The picture that an answer rests on. age_s: when it was handed to the skill."""

    stamp_ns: int | None
    age_s: float
    width: int
    height: int
    frame_id: str


class Problem(_Frozen):
    """Why a part of an answer is missing: an error's code and words."""

    code: str
    message: str


class LocatedTarget(_Frozen):
    """A thing in metres, by the id that a later skill takes."""

    target_id: str
    target: Target3D


class SkillReport(_Frozen):
    """timings_ms: wall time of each stage."""

    skill: str
    status: str
    image: ImageNote
    timings_ms: dict[str, float]


class FindReport(SkillReport):
    """target_ids: one for each candidate of the answer, in its order."""

    skill: str = "find_object"
    status: Status
    answer: Grounding
    target_ids: tuple[str, ...]


class LocateReport(FindReport):
    """targets: of the candidates that have depth, in their order."""

    skill: str = "locate_object"
    targets: tuple[LocatedTarget, ...]
    no_targets_because: Problem | None


class DescribeReport(SkillReport):
    """Words about the picture, linked to boxes. target_ids: one for each linked box, in their order in the text."""

    status: Literal["described", "answered"]
    description: GroundedText
    question: str | None = None
    target_ids: tuple[str, ...] = ()


class PresenceReport(SkillReport):
    """presence: probability that the thing is in view; what kind of number it is, `Grounding` says."""

    skill: str = "check_presence"
    status: Presence
    phrase: str
    presence: Probability
    probability_kind: Literal["joint", "calibrated"]


class PickReport(SkillReport):
    """pick: the looks and the motion. target_ids: of the candidates where the phrase fits several."""

    skill: str = "pick_object"
    status: PickStatus
    pick: PickCourse
    target_id: str | None
    target_ids: tuple[str, ...] = ()
    question: str | None = None
    confirmed: Confirmed

    @property
    def moved(self) -> bool:
        return self.pick.outcome is not None


class PlaceReport(SkillReport):
    """answer: where the thing is that something was to be put at. goal_m: of the underside, in `frame_id`."""

    skill: str = "place_object"
    status: Literal["placed", "not_placed", "not_found", "ambiguous", "cannot_tell", "moving"]
    message: str
    phrase: str
    relation: str
    answer: Grounding
    target_id: str | None
    target_ids: tuple[str, ...] = ()
    question: str | None = None
    goal_m: tuple[float, float, float] | None = None
    frame_id: str | None = None
    outcome: MotionOutcome | None = None
    confirmed: Confirmed

    @property
    def moved(self) -> bool:
        return self.outcome is not None
