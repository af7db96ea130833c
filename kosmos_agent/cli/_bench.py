"""The comparison behind `kosmos-agent bench --against transformers`."""

from __future__ import annotations

from pathlib import Path

import torch
import typer
from rich.console import Console

from kosmos_agent.benchmarking.compare import ComparisonRun, Scope
from kosmos_agent.benchmarking.report import Comparison
from kosmos_agent.benchmarking.rounds import Plan
from kosmos_agent.benchmarking.tables import summary_tables
from kosmos_agent.benchmarking.works import noise_picture
from kosmos_agent.cli._load import ModelChoice, load_picture

BUDGET_S = 120.0
"""No new round of a comparison after it: a machine that is never calm still gives a report, which says so."""


def compare(
    choice: ModelChoice, image: Path | None, repeat: int, patience: int, beside: int, parts: tuple[str, ...] | None
) -> Comparison:
    """Progress goes to stderr."""
    dtypes = None if choice.dtype == "auto" else (choice.dtype,)
    scope = Scope(choice.model, dtypes, choice.device, parts, beside)
    threads = choice.threads or torch.get_num_threads()
    device = torch.device(choice.device)
    plan = Plan(threads, wanted=repeat, patience=patience, budget_s=BUDGET_S, device=device)
    picture = noise_picture() if image is None else load_picture(image)
    console = Console(stderr=True)
    with console.status("measuring") as status:
        return ComparisonRun(scope, plan, picture, status.update).report()


def print_comparison(found: Comparison) -> None:
    typer.echo("\n\n".join(summary_tables(found)))
