"""How a pick went: robot.pick.PickReport <-> the result of kosmos_interfaces/action/Pick."""

from __future__ import annotations

from kosmos_interfaces.action import Pick
from kosmos_interfaces.msg import PickStep as StepMessage
from std_msgs.msg import Header

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from kosmos_agent.robot.pick import PickReport, PickStep
from kosmos_agent.robot.planner import MotionOutcome
from kosmos_ros import answers, stamps
from kosmos_ros.reasons import error_from_reason, reason_message
from kosmos_ros.targets import LocatedTarget, target_from_message, target_message

OUTCOMES = {
    "picked": Pick.Result.PICKED,
    "not_picked": Pick.Result.NOT_PICKED,
    "not_found": Pick.Result.NOT_FOUND,
    "ambiguous": Pick.Result.AMBIGUOUS,
    "cannot_tell": Pick.Result.CANNOT_TELL,
    "moving": Pick.Result.MOVING,
    "lost": Pick.Result.LOST,
    "handed_over": Pick.Result.HANDED_OVER,
}
MOTIONS = {
    "done": Pick.Result.DONE,
    "nothing_held": Pick.Result.NOTHING_HELD,
    "slipped": Pick.Result.SLIPPED,
    "blocked": Pick.Result.BLOCKED,
    "timeout": Pick.Result.TIMEOUT,
    "cancelled": Pick.Result.CANCELLED,
}
PHASES = {
    name: getattr(Pick.Feedback, name.upper())
    for name in (
        "look", "ground", "locate",
        "approach", "descend", "grasp", "lift", "transfer", "lower", "release", "retreat",
    )
}  # fmt: skip
"""Steps before the motion, and its phases."""
STEPS = {name: getattr(StepMessage, name.upper()) for name in ("look", "ground", "locate", "pick")}


def pick_result(
    report: PickReport, header: Header, *, image_age_s: float, track_id: str = "", candidate: int = 0
) -> Pick.Result:
    """header: of the last picture looked at. track_id, candidate: of the target, as in LocatedTarget."""
    located = [] if report.target is None else [LocatedTarget(report.target, candidate, track_id)]
    frame = report.answer.frame
    result = Pick.Result(
        outcome=OUTCOMES[report.status],
        message=report.message,
        grounding=answers.grounding_message(report.answer, header, image_age_s=image_age_s, targets=located),
        target=[target_message(item, frame.width, frame.height) for item in located],
        steps=[
            StepMessage(step=STEPS[step.name], look=step.look, duration_ms=step.duration_ms) for step in report.steps
        ],
    )
    if report.outcome is not None:
        result.motion = MOTIONS[report.outcome.reason]
        result.motion_phase = PHASES[report.outcome.phase]
        result.motion_duration = stamps.duration_message(report.outcome.duration_s)
    return result


def refused_pick(error: KosmosAgentError) -> Pick.Result:
    """Nothing was moved, and why."""
    return Pick.Result(outcome=Pick.Result.REFUSED, reason=reason_message(error), message=str(error))


def report_from_result(result: Pick.Result) -> PickReport:
    """RemoteError for a refusal; InvalidArgumentError for codes that no pick of ours has."""
    if result.outcome == Pick.Result.REFUSED:
        raise error_from_reason(result.reason) or InvalidArgumentError("an empty result: neither outcome nor reason")
    answer = answers.grounding_from_message(result.grounding)
    steps = tuple(
        PickStep.model_validate(
            {"name": answers.named(STEPS, step.step, "step"), "look": step.look, "duration_ms": step.duration_ms}
        )
        for step in result.steps
    )
    return PickReport.model_validate(
        {
            "phrase": answer.phrase,
            "status": answers.named(OUTCOMES, result.outcome, "outcome"),
            "message": result.message,
            "answer": answer,
            "target": target_from_message(result.target[0]).target if result.target else None,
            "outcome": _outcome(result),
            "steps": steps,
        }
    )


def _outcome(result: Pick.Result) -> MotionOutcome | None:
    if result.motion == Pick.Result.NO_MOTION:
        return None
    return MotionOutcome.model_validate(
        {
            "succeeded": result.outcome == Pick.Result.PICKED,
            "phase": answers.named(PHASES, result.motion_phase, "motion phase"),
            "reason": answers.named(MOTIONS, result.motion, "motion"),
            "message": result.message,
            "duration_s": stamps.duration_s(result.motion_duration),
        }
    )
