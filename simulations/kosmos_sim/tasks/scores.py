"""What a run of the suite comes to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.tasks.judging import Result


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """Figures over all tasks, the same `by_kind`, and the `failed` tasks with reasons. InvalidArgumentError for none.

    success, wrong_object_rate: shares of the tasks. false_claims: how many. tool_calls: mean and most for a task.
    """
    if not results:
        raise InvalidArgumentError("no task was played; valid: at least one")
    kinds: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        kinds[result.kind].append(result)
    return {
        **figures(results),
        "by_kind": {kind: figures(played) for kind, played in kinds.items()},
        "failed": [_failed(result) for result in results if not result.success],
    }


def figures(results: Sequence[Result]) -> dict[str, Any]:
    calls = [result.tool_calls for result in results]
    count = len(results)
    return {
        "tasks": count,
        "succeeded": sum(bool(result.success) for result in results),
        "success": sum(bool(result.success) for result in results) / count,
        "wrong_object_rate": sum(bool(result.wrong_objects) for result in results) / count,
        "nudged": sum(bool(result.nudged) for result in results),
        "guessed": sum(bool(result.guessed) for result in results),
        "false_claims": sum(bool(result.false_claim) for result in results),
        "tool_calls": {"mean": sum(calls) / count, "max": max(calls)},
        "motions": sum(result.motions for result in results),
    }


def _failed(result: Result) -> dict[str, Any]:
    return {
        "index": result.index,
        "kind": result.kind,
        "command": result.command,
        "claim": result.claim,
        "false_claim": result.false_claim,
        "reason": result.reason,
    }
