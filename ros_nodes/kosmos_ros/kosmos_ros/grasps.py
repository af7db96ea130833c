"""What is asked of an arm, and how it went: robot.planner <-> kosmos_interfaces/action/Grasp."""

from __future__ import annotations

import math

from kosmos_interfaces.action import Grasp
from pydantic import ValidationError

from kosmos_agent.errors import CancelledError, InvalidArgumentError, KosmosAgentError, PlanningError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.planner import MotionOutcome
from kosmos_ros import answers, stamps
from kosmos_ros.picks import MOTIONS, PHASES
from kosmos_ros.reasons import error_from_reason, reason_message
from kosmos_ros.targets import LocatedTarget, target_from_message, target_message

_SIDE_PX = 1000
"""Size of the picture that a goal's box is stated in: a Target3D knows its box in shares of a picture alone."""
_RAISED_AS: dict[str, type[KosmosAgentError]] = {PlanningError.code: PlanningError, CancelledError.code: CancelledError}
"""What callers of a `Planner` are promised; other codes come as RemoteError."""


def grasp_goal(target: Target3D, track_id: str = "") -> Grasp.Goal:
    return Grasp.Goal(target=target_message(LocatedTarget(target, track_id=track_id), _SIDE_PX, _SIDE_PX))


def grasp_target(goal: Grasp.Goal) -> Target3D:
    """InvalidArgumentError names what no target can be; InvalidBoxError where its box lies outside its picture."""
    try:
        target = target_from_message(goal.target).target
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidArgumentError(f"{'.'.join(map(str, first['loc']))} of the target: {first['msg']}") from error
    lengths_m = (*target.size_m, *target.extent_m)
    numbers = (*target.position_m, *lengths_m, target.yaw_rad, target.support_height_m)
    if not all(math.isfinite(number) for number in numbers):
        raise InvalidArgumentError("the target holds values that are not finite")
    if min(lengths_m) <= 0:
        raise InvalidArgumentError(f"sizes {lengths_m} m of the target; valid: all above 0")
    return target


def grasp_result(outcome: MotionOutcome) -> Grasp.Result:
    return Grasp.Result(
        succeeded=outcome.succeeded,
        motion=MOTIONS[outcome.reason],
        motion_phase=PHASES[outcome.phase],
        motion_duration=stamps.duration_message(outcome.duration_s),
        message=outcome.message,
    )


def refused_grasp(error: KosmosAgentError) -> Grasp.Result:
    """Nothing was moved, and why."""
    return Grasp.Result(reason=reason_message(error), message=str(error))


def outcome_from_result(result: Grasp.Result) -> MotionOutcome:
    """PlanningError, CancelledError or RemoteError where nothing was moved; InvalidArgumentError for codes that no arm
    of ours has."""
    error = error_from_reason(result.reason)
    if error is not None:
        raise _RAISED_AS[error.code](str(error)) if error.code in _RAISED_AS else error
    try:
        return MotionOutcome.model_validate(
            {
                "succeeded": result.succeeded,
                "phase": answers.named(PHASES, result.motion_phase, "motion phase"),
                "reason": answers.named(MOTIONS, result.motion, "motion"),
                "message": result.message,
                "duration_s": stamps.duration_s(result.motion_duration),
            }
        )
    except ValidationError as invalid:
        raise InvalidArgumentError(f"the arm's result is none of a motion: {invalid.errors()[0]['msg']}") from invalid
