"""Language without pictures: a local file of multiple choice, or tasks of lm-evaluation-harness."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.cli._output import make_folder
from kosmos_agent.cli._public_run import (
    REPORT_FILE,
    Running,
    model_facts,
    out_folder,
    progress_bar,
    settled,
    with_files,
)
from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.batch.journal import RECORDS_FILE, Journal
from kosmos_agent.evaluation.language.choices import (
    RECORDS,
    answer_choices,
    choice_figures,
    choice_mistakes,
    read_choices,
)
from kosmos_agent.evaluation.reports.published import rows_beside


def evaluate_choices(data: Path, task: str, choice: ModelChoice, running: Running, limit: int | None) -> dict[str, Any]:
    """`task`: which published figures stand beside ours. limit: only the first so many questions."""
    read, choice = read_choices(data), settled(choice, running)
    made_of = {
        "benchmark": "language",
        "split": task,
        "data": read.digest,
        **model_facts(choice),
    }
    with out_folder(running) as out:
        started = time.perf_counter()
        journal = Journal(out / RECORDS_FILE, RECORDS, made_of)
        questions = read.questions[:limit]
        with progress_bar() as progress:
            bar = progress.add_task(f"language {task}", total=len(questions))
            records = answer_choices(
                lambda: load_grounder(choice), questions, journal, lambda count: progress.advance(bar, count)
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


def evaluate_harness(tasks: list[str], choice: ModelChoice, limit: int | None, out: Path | None) -> dict[str, Any]:
    """The report, written into the folder `out` too; nothing of it is resumed.

    MissingDependencyError, with the line to type, where lm-evaluation-harness is absent.
    """
    with needs("language"):
        from kosmos_agent.evaluation.language.harness import harness_figures
    if out is not None:
        make_folder(out, "--out")
    started = time.perf_counter()
    found = harness_figures(load_grounder(choice), tasks, limit)
    report = {
        "benchmark": "language",
        "model": choice.model,
        "limit": limit,
        "tasks": {name: {**figures, "published": _published(name)} for name, figures in found.items()},
        "seconds": time.perf_counter() - started,
        "files": [] if out is None else [str(out / REPORT_FILE)],
    }
    if out is not None:
        (out / REPORT_FILE).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def _published(task: str) -> dict[str, float]:
    return {row.model: row.percent[task]["accuracy"] for row in rows_beside("language", task)}


def _no_picture(name: str) -> Path:
    raise InvalidDatasetError(f"questions without pictures name one: {name}")
