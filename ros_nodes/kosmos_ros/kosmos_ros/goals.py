"""What clients ask of Ground.action, Ground.srv and Pick.action, checked before anything is done; and what they get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from builtin_interfaces.msg import Duration
from kosmos_interfaces.action import Ground, Pick
from kosmos_interfaces.msg import GroundedText, Grounding
from kosmos_interfaces.srv import Ground as GroundService
from vision_msgs.msg import BoundingBox2D

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from kosmos_agent.markup import escape_user_text
from kosmos_ros import stamps
from kosmos_ros.reasons import reason_message
from kosmos_ros.settings import MAX_PHRASES, MAX_TEXT_CHARACTERS

Task = Literal["find", "caption", "answer", "describe"]
TASKS: dict[int, Task] = {
    Ground.Goal.FIND: "find",
    Ground.Goal.CAPTION: "caption",
    Ground.Goal.ANSWER: "answer",
    Ground.Goal.DESCRIBE: "describe",
}
MAX_RESULTS = 64
MAX_TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class GroundGoal:
    """max_results, timeout_s: None where the client leaves it to the node. region_px: of `describe`, pixels."""

    task: Task
    phrase: str
    max_results: int | None
    want_3d: bool
    target_frame: str | None
    timeout_s: float | None
    region_px: BoundingBox2D | None = None


@dataclass(frozen=True)
class PickGoal:
    """Exactly one of phrase and target_id is not empty."""

    phrase: str
    target_id: str
    timeout_s: float | None


def ground_goal(goal: Ground.Goal) -> GroundGoal:
    """InvalidPhraseError or InvalidArgumentError says which field is wrong, and what is valid."""
    task = TASKS.get(goal.task)
    if task is None:
        raise InvalidArgumentError(
            f"task {goal.task}; valid: {', '.join(f'{n} ({name})' for n, name in TASKS.items())}"
        )
    if task in ("find", "answer"):
        escape_user_text(goal.phrase)
    region = goal.region if task == "describe" else None
    if region is not None and not (region.size_x > 0 and region.size_y > 0):
        raise InvalidArgumentError(f"a region of {region.size_x} x {region.size_y} pixels; valid: both above 0")
    return GroundGoal(
        task=task,
        phrase=goal.phrase,
        max_results=_max_results(goal.max_results),
        want_3d=bool(goal.want_3d),
        target_frame=_name(goal.target_frame, "target_frame"),
        timeout_s=_timeout_s(goal.timeout),
        region_px=region,
    )


def ground_request(request: GroundService.Request) -> GroundGoal:
    """The service finds, and no more; errors as in `ground_goal`."""
    return ground_goal(
        Ground.Goal(
            task=Ground.Goal.FIND,
            phrase=request.phrase,
            max_results=request.max_results,
            want_3d=request.want_3d,
            target_frame=request.target_frame,
            timeout=request.timeout,
        )
    )


def standing_phrases(text: str) -> list[str]:
    """One a line, empty ones passed over; InvalidArgumentError: too many, or InvalidPhraseError."""
    if len(text) > MAX_PHRASES * (MAX_TEXT_CHARACTERS + 1):
        raise InvalidArgumentError(f"{len(text)} characters of phrases; valid: {MAX_PHRASES} lines at most")
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) > MAX_PHRASES:
        raise InvalidArgumentError(f"{len(lines)} phrases; valid: at most {MAX_PHRASES}")
    for line in lines:
        escape_user_text(line)
    return lines


def pick_goal(goal: Pick.Goal) -> PickGoal:
    """InvalidPhraseError or InvalidArgumentError, as in `ground_goal`."""
    target_id = _name(goal.target_id, "target_id") or ""
    if target_id and goal.phrase:
        raise InvalidArgumentError("both phrase and target_id are given; valid: one of them, the other empty")
    if not target_id:
        escape_user_text(goal.phrase)
    return PickGoal(goal.phrase, target_id, _timeout_s(goal.timeout))


def ground_result(
    *, grounding: Grounding | None = None, text: GroundedText | None = None, error: KosmosAgentError | None = None
) -> Ground.Result:
    """Of a goal that was answered, or (error) was not. A refused grounding's own reason becomes the result's."""
    result = Ground.Result(reason=reason_message(error))
    if grounding is not None:
        result.grounding = grounding
        result.reason = grounding.reason if error is None else result.reason
    if text is not None:
        result.text = text
    return result


def _max_results(count: int) -> int | None:
    if count > MAX_RESULTS:
        raise InvalidArgumentError(f"max_results {count}; valid: 0 (the node's own) to {MAX_RESULTS}")
    return count or None


def _name(text: str, field: str) -> str | None:
    if len(text) > MAX_TEXT_CHARACTERS or not text.isprintable():
        raise InvalidArgumentError(f"{field} {text[:24]!r}; valid: at most {MAX_TEXT_CHARACTERS} printable characters")
    return text.strip() or None


def _timeout_s(timeout: Duration) -> float | None:
    seconds = stamps.duration_s(timeout)
    if not 0 <= seconds <= MAX_TIMEOUT_S:
        raise InvalidArgumentError(f"timeout {seconds} s; valid: 0 (the node's own) to {MAX_TIMEOUT_S:.0f}")
    return seconds or None
