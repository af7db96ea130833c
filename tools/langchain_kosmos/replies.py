"""The sentences of the command planner: short, and no surer than what the tools said (pure)."""

from __future__ import annotations

from langchain_kosmos.grammar import KINDS
from langchain_kosmos.plans import Count, Find, Locate, NotUnderstood, Pick, Place
from langchain_kosmos.tool_results import ToolResult

_MAX_SCENE_WORDS = 1000
_REASONS = {
    "nothing_held": "the fingers closed on nothing",
    "slipped": "it slipped out of the fingers",
    "blocked": "the arm met something in its way",
    "timeout": "the arm took too long",
    "cancelled": "the motion was stopped",
}


def help_text() -> str:
    return "I understand commands of these kinds.\n" + "\n".join(f"- {kind}" for kind in KINDS)


def not_understood(answer: NotUnderstood) -> str:
    because = f": {answer.reason}" if answer.reason else ""
    words = f' "{answer.words}"' if answer.words else " that"
    return f"I did not understand{words}{because}. Nothing was done. {help_text()}"


def no_tool(tools: list[str], bound: list[str]) -> str:
    have = f"the tools that I have are {', '.join(bound)}" if bound else "I have no tools at all"
    return f"I cannot do that here: it needs {', '.join(tools)}, and {have}. Nothing was done."


def found(step: Find | Locate, result: ToolResult, target_id: str | None = None) -> str:
    """Of many things each, of one the best or the chosen one; in metres where the report has them."""
    boxes = result.boxes
    if result.answer.get("count") == "many" and target_id is None:
        return f"I see {len(boxes)} that are {step.phrase}: " + "; ".join(
            _corners(result, i) for i in range(len(boxes))
        )
    index = result.target_ids.index(target_id) if target_id in result.target_ids else 0
    where = f"I see {step.phrase} at {_corners(result, index)}" if boxes else f"I see {step.phrase}"
    if not isinstance(step, Locate):
        return where + "."
    place = result.position_of(target_id)
    if place is None:
        return f"{where}, but I cannot say where that is in metres{_why(result)}."
    (x, y, z), frame = place
    return f"{step.phrase} is at x {x:.3f}, y {y:.3f}, z {z:.3f} m in {frame}."


def counted(step: Count, result: ToolResult) -> str:
    things = step.phrase.removeprefix("the ")
    return f"I count {len(result.boxes)} for {things}."


def scene(result: ToolResult) -> str:
    """Words out of the scene, in quotation marks that they cannot close."""
    words = " ".join(result.text.split()).replace("“", "'").replace("”", "'")[:_MAX_SCENE_WORDS]
    return f"I see: “{words}”" if words else "I see nothing that I could name."


def picked(step: Pick, result: ToolResult) -> str:
    sure = "" if result.confirmed == "yes" else " The fingers hold something, but I could not confirm it by looking."
    gift = " I hold it up; I cannot hand it over to you." if step.to_person else ""
    return f"I picked up {step.phrase}.{sure}{gift}"


def placed(step: Place, held: str | None, result: ToolResult) -> str:
    sure = "" if result.confirmed == "yes" else " I could not confirm it by looking."
    return f"I put {held or 'it'} {step.relation} {step.phrase}.{sure}"


def contradicted(step: Pick | Place) -> str:
    if isinstance(step, Pick):
        return f"The arm reported a pick, but when I looked again {step.phrase} was still there: I did not pick it up."
    return "The arm let go, but when I looked again it was not where it should be: it was not put there."


def not_moved(step: Pick | Place, result: ToolResult, tries: int) -> str:
    reason = str(result.outcome.get("reason", ""))
    # A motion that ended well and is doubted all the same: the report says what was seen.
    doubt = "" if reason != "done" else result.doubt
    why = doubt or _REASONS.get(reason, reason.replace("_", " ") or "the arm did not say why")
    task = f"pick up {step.phrase}" if isinstance(step, Pick) else f"put it {step.relation} {step.phrase}"
    times = f" I tried {tries} times." if tries > 1 else ""
    return f"I could not {task}: {why}.{times}"


def unsettled(phrase: str | None, status: str, tries: int) -> str:
    said = {"moving": "does not stand still", "lost": "was gone when the arm was about to move"}
    times = f" I tried {tries} times." if tries > 1 else ""
    return f"{phrase} {said.get(status, status)}, so I did not move.{times}"


def failed(result: ToolResult, tries: int) -> str:
    times = f" I tried {tries} times." if tries > 1 else ""
    return f"That failed ({result.code}): {result.message.rstrip('.')}.{times}"


def _corners(result: ToolResult, index: int) -> str:
    box = result.boxes[index]
    return f"({box.x1:.2f}, {box.y1:.2f}) to ({box.x2:.2f}, {box.y2:.2f}) of the picture"


def _why(result: ToolResult) -> str:
    problem = result.report.get("no_targets_because")
    return f" ({problem.get('code')})" if isinstance(problem, dict) else ""
