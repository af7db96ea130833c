"""Language without pictures: a local file of multiple choice, or tasks of lm-evaluation-harness."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from kosmos_agent.cli._load import ModelChoice, load_grounder
from kosmos_agent.cli._public_run import Running, out_folder, progress_bar, with_files
from kosmos_agent.errors import InvalidDatasetError, MissingDependencyError
from kosmos_agent.evaluation.batch.journal import RECORDS_FILE, Journal
from kosmos_agent.evaluation.language.choices import (
    RECORDS,
    answer_choices,
    choice_figures,
    choice_mistakes,
    read_choices,
)
from kosmos_agent.evaluation.language.tasks import INSTALL
from kosmos_agent.evaluation.reports.published import rows_beside
from kosmos_agent.model.fingerprint import weights_sha256
from kosmos_agent.model.folder import locate


def evaluate_choices(data: Path, task: str, choice: ModelChoice, running: Running) -> dict[str, Any]:
    """`task`: which published figures stand beside ours."""
    read = read_choices(data)
    made_of = {
        "benchmark": "language",
        "split": task,
        "data": read.digest,
        "weights": weights_sha256(locate(choice.model)),
        "dtype": choice.dtype,
        "device": choice.device,
    }
    with out_folder(running) as out:
        started = time.perf_counter()
        journal = Journal(out / RECORDS_FILE, RECORDS, made_of)
        with progress_bar() as progress:
            bar = progress.add_task(f"language {task}", total=len(read.questions))
            records = answer_choices(
                lambda: load_grounder(choice), read.questions, journal, lambda count: progress.advance(bar, count)
            )
        figures = choice_figures(records)
        report = {
            **figures,
            "benchmark": "language",
            "split": task,
            "model": choice.model,
            "seconds": time.perf_counter() - started,
        }
        return with_files(report, figures, choice_mistakes(records), running, _no_picture)


def evaluate_harness(tasks: list[str], choice: ModelChoice, limit: int | None) -> dict[str, Any]:
    """MissingDependencyError, with the line to type, where lm-evaluation-harness is absent."""
    try:
        from kosmos_agent.evaluation.language.harness import harness_figures
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "lm_eval":
            raise
        raise MissingDependencyError(f"lm_eval is not installed; --tasks needs: {INSTALL}") from error
    started = time.perf_counter()
    found = harness_figures(load_grounder(choice), tasks, limit)
    return {
        "benchmark": "language",
        "model": choice.model,
        "limit": limit,
        "tasks": {name: {**figures, "published": _published(name)} for name, figures in found.items()},
        "seconds": time.perf_counter() - started,
    }


def _published(task: str) -> dict[str, float]:
    return {row.model: row.percent[task]["accuracy"] for row in rows_beside("language", task)}


def _no_picture(name: str) -> Path:
    raise InvalidDatasetError(f"questions without pictures name one: {name}")
