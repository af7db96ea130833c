"""Which tool does a step, and with which arguments (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from langchain_kosmos.plans import (
    Ask,
    Check,
    Count,
    DescribeScene,
    DescribeThing,
    Find,
    Locate,
    Pick,
    Place,
    Plan,
    Step,
)

MOTIONS = frozenset({"pick_object", "place_object"})
SKILLS = (
    "find_object", "locate_object", "describe_scene", "describe_region", "answer_about_scene", "check_presence",
    "pick_object", "place_object",
)  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A tool's name and the arguments that a step gives it."""

    tool: str
    arguments: Mapping[str, Any]


def call_for(step: Step, target_id: str | None, bound: Set[str] = frozenset(SKILLS)) -> Call | None:
    """target_id: of the thing that the step names, once that is known. None for a step that needs no tool."""
    match step:
        case Find(phrase) | Count(phrase):
            return Call("find_object", {"phrase": phrase})
        case Locate(phrase):
            return Call("locate_object" if "locate_object" in bound else "find_object", {"phrase": phrase})
        case Check(phrase):
            return Call("check_presence", {"phrase": phrase})
        case DescribeScene():
            return Call("describe_scene", {})
        case DescribeThing(phrase):
            known = Call("describe_region", {"target_id": target_id})
            return Call("find_object", {"phrase": phrase}) if target_id is None else known
        case Ask(question):
            return Call("answer_about_scene", {"question": question})
        case Pick(phrase):
            return Call("pick_object", _named(phrase, target_id))
        case Place(phrase, relation) if phrase is not None:
            return Call("place_object", {**_named(phrase, target_id), "relation": relation})
    return None


def absent_tools(plan: Plan, bound: Set[str]) -> list[str]:
    """The tools that the plan needs and that are not bound, in order of need."""
    needed: list[str] = []
    for step in plan.steps:
        for target_id in (None, "t1") if isinstance(step, DescribeThing) else (None,):
            call = call_for(step, target_id, bound)
            if call is not None and call.tool not in bound and call.tool not in needed:
                needed.append(call.tool)
    return needed


def _named(phrase: str, target_id: str | None) -> dict[str, Any]:
    return {"phrase": phrase} if target_id is None else {"target_id": target_id}
