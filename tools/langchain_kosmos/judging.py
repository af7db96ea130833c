"""What a tool's result means for the step that called it: done, once more, ask, or give up (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from langchain_kosmos import replies
from langchain_kosmos.plans import Ask, Check, Count, DescribeScene, DescribeThing, Find, Locate, Pick, Place, Step
from langchain_kosmos.tool_results import REJECTED, ToolResult

PASSING_CODES = frozenset({"stale_image", "no_image", "timeout", "no_depth", "no_depth_image"})
PASSING_STATUSES = frozenset({"moving", "lost"})
GRASP_AGAIN = frozenset({"nothing_held", "slipped", "blocked"})
MAX_GRASPS = 3
MAX_PASSING = 2

Kind = Literal["done", "again", "anew", "ask", "absent", "unsure", "failed", "refused", "look_closer"]


@dataclass(frozen=True)
class Verdict:
    """kind: `done`; `again`: the same call once more; `anew`: by its phrase, for the id is worth nothing now; `ask`:
    which one; `absent`: it is not there; `unsure`: nobody can tell; `failed`; `refused`: a person said no;
    `look_closer`: the thing is found, and its region is next. words: for the person; empty with `again`, `anew`."""

    kind: Kind
    words: str = ""


@dataclass(frozen=True)
class Tries:
    """Of one step so far, the one being judged included."""

    calls: int
    by_id: bool


def judge(step: Step, result: ToolResult, tries: Tries, held: str | None) -> Verdict:
    """held: the phrase of what is in the gripper."""
    if result.code is not None:
        return _judge_error(step, result, tries)
    match step:
        case Pick() | Place():
            return _judge_motion(step, result, tries, held)
        case Check():
            return _judge_check(step, result)
        case Find() | Locate() | Count():
            return _judge_find(step, result)
        case DescribeThing() if result.status in ("found", "ambiguous", "not_found", "cannot_tell"):
            verdict = _judge_find(Find(step.phrase), result)
            unnamed = f"I see {step.phrase}, but got no id to look closer at it."
            return Verdict("look_closer", unnamed) if verdict.kind == "done" else verdict
        case DescribeThing() | DescribeScene() | Ask():
            return Verdict("done", replies.scene(result))
    return Verdict("failed", f"The tool said {result.status!r}, which I do not understand.")


def _judge_error(step: Step, result: ToolResult, tries: Tries) -> Verdict:
    if result.code == REJECTED:
        return Verdict("refused", "That was not approved, so I did not do it.")
    if result.code == "unknown_target" and tries.by_id and tries.calls < MAX_PASSING:
        return Verdict("anew")
    # A place that ran out of time may have let go already: only a look can tell, so it is not repeated.
    passing = result.code in PASSING_CODES and not (isinstance(step, Place) and result.code == "timeout")
    if passing and tries.calls < MAX_PASSING:
        return Verdict("again")
    return Verdict("failed", replies.failed(result, tries.calls))


def _judge_motion(step: Pick | Place, result: ToolResult, tries: Tries, held: str | None) -> Verdict:
    match result.status:
        case "picked" | "placed" if (result.status == "picked") == isinstance(step, Pick):
            if result.confirmed == "no":
                return Verdict("failed", replies.contradicted(step))
            done = replies.picked(step, result) if isinstance(step, Pick) else replies.placed(step, held, result)
            return Verdict("done", done)
        case "not_picked" if result.outcome.get("reason") in GRASP_AGAIN and tries.calls < MAX_GRASPS:
            return Verdict("again")
        case "not_picked" | "not_placed":
            return Verdict("failed", replies.not_moved(step, result, tries.calls))
        case "moving" | "lost" if tries.calls < MAX_PASSING:
            return Verdict("anew" if tries.by_id and result.status == "lost" else "again")
        case "moving" | "lost":
            return Verdict("failed", replies.unsettled(step.phrase, result.status, tries.calls))
    return _judge_sight(step.phrase or "it", result, nothing_moved=True)


def _judge_find(step: Find | Locate | Count, result: ToolResult) -> Verdict:
    if isinstance(step, Count) and result.status in ("found", "ambiguous"):
        return Verdict("done", replies.counted(step, result))
    if isinstance(step, Count) and result.status == "not_found":
        return Verdict("done", f"I see no {step.phrase.removeprefix('the ')}.")
    if result.status == "found" and not isinstance(step, Count):
        return Verdict("done", replies.found(step, result))
    return _judge_sight(step.phrase, result, nothing_moved=False)


def _judge_check(step: Check, result: ToolResult) -> Verdict:
    match result.status:
        case "present":
            return Verdict("done", f"Yes, I see {step.phrase}.")
        case "absent":
            return Verdict("absent", f"No, I do not see {step.phrase}.")
        case "cannot_tell":
            return Verdict("unsure", f"I cannot tell whether there is {step.phrase}.")
    return Verdict("failed", f"The tool said {result.status!r}, which I do not understand.")


def _judge_sight(phrase: str, result: ToolResult, *, nothing_moved: bool) -> Verdict:
    still = " I did not move." if nothing_moved else ""
    match result.status:
        case "ambiguous":
            return Verdict("ask", result.question or f'Which one is "{phrase}"? Say what sets it apart.')
        case "not_found":
            return Verdict("absent", f"I do not see {phrase}.{still}")
        case "cannot_tell":
            return Verdict("unsure", f"I am not sure that I see {phrase}.{still}")
    return Verdict("failed", f"The tool said {result.status!r}, which is no success.{still}")
