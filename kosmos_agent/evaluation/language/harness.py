"""The adapter for lm-evaluation-harness: its language tasks on our models (paper 4.4, Table 6).

It imports that package, so nothing imports it but the command that needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.api.model import LM

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.language.requests import LanguageRequests
from kosmos_agent.evaluation.language.tasks import TASKS
from kosmos_agent.grounder import Grounder


class HarnessModel(LanguageRequests, LM):  # type: ignore[misc]  # the package is not typed, nor always there
    """`LanguageRequests` under the harness's own base class."""

    def __init__(self, grounder: Grounder, rows: int = 8) -> None:
        LM.__init__(self)
        LanguageRequests.__init__(self, grounder, rows)


def harness_figures(grounder: Grounder, names: Sequence[str], limit: int | None) -> dict[str, dict[str, float]]:
    """Zero-shot accuracy of each task of `TASKS`, with all else that the harness reports of it.

    limit: only the first so many questions. InvalidArgumentError for an unknown task. The harness fetches its data.
    """
    unknown = [name for name in names if name not in TASKS]
    if unknown or not names:
        raise InvalidArgumentError(f"tasks {unknown or 'none'}; valid: {', '.join(TASKS)}")
    wanted = {name: TASKS[name] for name in names}
    found = simple_evaluate(HarnessModel(grounder), tasks=list(wanted.values()), num_fewshot=0, limit=limit)
    results: Mapping[str, Mapping[str, Any]] = found["results"]
    return {name: _figures(results[task]) for name, task in wanted.items()}


def _figures(result: Mapping[str, Any]) -> dict[str, float]:
    """The harness names a metric with its filter: `acc,none`. What has none is no metric."""
    plain = {key.partition(",")[0]: value for key, value in result.items() if "," in key and isinstance(value, float)}
    return {"accuracy": float(plain["acc"]), **{name: float(value) for name, value in plain.items() if name != "acc"}}
