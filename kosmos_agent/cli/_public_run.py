"""Runs a public benchmark: records, figures, published figures beside them, a page of mistakes."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from pydantic import TypeAdapter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.cli._output import make_folder
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.asking.asker import Asker
from kosmos_agent.evaluation.batch.journal import RECORDS_FILE, Journal
from kosmos_agent.evaluation.batch.run import Answering, Identified, PictureOfSamples, by_picture, in_process, run
from kosmos_agent.evaluation.benchmarks.files import PictureFolder
from kosmos_agent.evaluation.benchmarks.samples import Benchmark, Sample
from kosmos_agent.evaluation.reports.browser import write_browser
from kosmos_agent.evaluation.reports.mistakes import Mistake
from kosmos_agent.evaluation.reports.published import rows_beside
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.devices import check_device
from kosmos_agent.model.fingerprint import settings_sha256, weights_sha256
from kosmos_agent.model.folder import absolute_name, locate
from kosmos_agent.precision import AUTO, settled_name

REPORT_FILE = "report.json"
SUBMISSION_FILE = "results.json"

S = TypeVar("S", bound=Sample)
R = TypeVar("R", bound=Identified)


@dataclass(frozen=True)
class Running:
    """Where and how: `out` keeps records, report and page; without it nothing is kept, nor can it be resumed.

    pictures: only the first so many. mistakes: so many on the page.
    """

    out: Path | None
    pictures: int | None
    mistakes: int
    engine: str
    workers: int
    address: str | None


@dataclass(frozen=True)
class Job(Generic[S, R]):
    """A benchmark, how it is asked, what its records are, and how they are judged."""

    benchmark: Benchmark[S]
    folder: PictureFolder
    asker: Asker[S, R]
    adapter: TypeAdapter[R]
    judge: Callable[[Sequence[R]], tuple[dict[str, Any], list[Mistake]]]
    submission: Callable[[Sequence[R]], Any] | None = None
    """What a benchmark's own server takes, as JSON values; written with `--out`."""


def evaluate_public(job: Job[S, R], choice: ModelChoice, running: Running) -> dict[str, Any]:
    """The report as JSON values."""
    choice = settled(choice, running)
    with out_folder(running) as out:
        started = time.perf_counter()
        benchmark = job.benchmark
        pictures = by_picture(benchmark.samples, job.folder.path)[: running.pictures]
        journal = Journal(out / RECORDS_FILE, job.adapter, _made_of(job, choice))
        records = _records(job, pictures, journal, choice, running)
        figures, mistakes = job.judge(records)
        report = {
            **figures,
            "benchmark": benchmark.name,
            "split": benchmark.split,
            "model": choice.model,
            "asked": dict(job.asker.settings),
            "pictures": len(pictures),
            "left_out": len(benchmark.left_out),
            "seconds": time.perf_counter() - started,
        }
        report = with_files(report, figures, mistakes, running, job.folder.path)
        if running.out is not None and job.submission is not None:
            path = running.out / SUBMISSION_FILE
            path.write_text(json.dumps(job.submission(records), ensure_ascii=False) + "\n", encoding="utf-8")
            report["files"].append(str(path))
        return report


def settled(choice: ModelChoice, running: Running) -> ModelChoice:
    """With number type and threads as they will be: records depend on both in their last digits, so that a run goes on
    with the same ones alone. Left open, a worker on Ray has one thread, and this process what torch chose.

    Errors of `model.folder.locate`: a wrong model is told before Ray is started. InvalidArgumentError for a device that
    is not here, unless the number type is named: then it may be one of the workers alone; and for a large model on a
    CPU whose number type is not named: each process would time its own.
    """
    folder = locate(choice.model)
    if choice.dtype == AUTO:
        check_device(choice.device)
    dtype = settled_name(folder, choice.dtype, choice.device)
    if dtype == AUTO:
        raise InvalidArgumentError(
            f"on a CPU, records of {choice.model} need a number type that is named: what auto takes for a model of its "
            "size is timed in each process anew; valid: --dtype int8, bfloat16 or float32"
        )
    threads = choice.threads or (torch.get_num_threads() if running.engine == "local" else 1)
    return replace(choice, dtype=dtype, threads=threads)


def model_facts(choice: ModelChoice) -> dict[str, Any]:
    """Of a settled choice: all that records depend on. Threads are those of the CPU, and change nothing beside it."""
    folder = locate(choice.model)
    return {
        "weights": weights_sha256(folder),
        "settings": settings_sha256(folder),
        "dtype": choice.dtype,
        "device": choice.device,
        "threads": choice.threads if choice.device == "cpu" else None,
    }


@contextmanager
def out_folder(running: Running) -> Iterator[Path]:
    """`--out`, made where it is not there yet, or a folder that is gone afterwards."""
    if running.out is not None:
        make_folder(running.out, "--out")
        yield running.out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def with_files(
    report: dict[str, Any],
    figures: Mapping[str, Any],
    mistakes: Sequence[Mistake],
    running: Running,
    picture_path: Callable[[str], Path],
) -> dict[str, Any]:
    """The report with published figures, and with `--out` the names of the files that were written there."""
    name, split = str(report["benchmark"]), str(report["split"])
    report = {**report, "published": [asdict(row) for row in rows_beside(name, split)], "files": []}
    if running.out is None:
        return report
    title = f"{report['model']} on {name} {split}"
    page = write_browser(running.out, title, figures, mistakes, running.mistakes, picture_path)
    report["files"] = [str(running.out / RECORDS_FILE), str(running.out / REPORT_FILE), str(page)]
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    (running.out / REPORT_FILE).write_text(text, encoding="utf-8")
    return report


def _made_of(job: Job[S, R], choice: ModelChoice) -> Mapping[str, Any]:
    benchmark = job.benchmark
    return {
        "benchmark": benchmark.name,
        "split": benchmark.split,
        "data": benchmark.digest,
        "pictures": job.folder.digest(dict.fromkeys(sample.image for sample in benchmark.samples)),
        **model_facts(choice),
        "asked": dict(job.asker.settings),
    }


def _records(
    job: Job[S, R],
    pictures: Sequence[PictureOfSamples[S]],
    journal: Journal[R],
    choice: ModelChoice,
    running: Running,
) -> list[R]:
    with progress_bar() as progress:
        bar = progress.add_task(f"{job.benchmark.name} {job.benchmark.split}", total=len(pictures))
        answering = _answering(job.asker, choice, running)
        return run(pictures, answering, journal, lambda count: progress.advance(bar, count))


def progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


def _answering(asker: Asker[S, R], choice: ModelChoice, running: Running) -> Answering[S, R]:
    """The model is loaded when the first picture is asked: a finished run needs none to be judged again."""
    if running.engine == "local":
        return lambda pictures: in_process(load_grounder(choice), asker)(pictures) if pictures else iter(())
    with needs("scale"):
        from kosmos_agent.evaluation.batch.on_ray import on_ray
        from kosmos_agent.ray_cluster import gpus_for
    load = partial(
        Grounder.load, absolute_name(choice.model), dtype=choice.dtype, device=choice.device, threads=choice.threads,
        zoom=choice.zoom,
    )  # fmt: skip
    gpus = gpus_for(choice.device)
    return on_ray(load, asker, running.workers, running.address, cpus=choice.threads or 1, gpus=gpus)
