"""A process by itself for each side: how long from its start to its first answer, and how much memory it takes.

`lone_ours` and `lone_transformers` are those processes. Each prints a line of JSON when it has answered, and another
when it has done the rest.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from tempfile import TemporaryFile

from pydantic import BaseModel, ConfigDict

from kosmos_agent.benchmarking.contention import foreign_cores, read_cpu
from kosmos_agent.benchmarking.rounds import Plan, Progress
from kosmos_agent.benchmarking.timing import Sample, Timing, summarise
from kosmos_agent.errors import KosmosAgentError


@dataclass(frozen=True)
class LoneChoice:
    """program: a module of this package. runtime: of ours. thorough: eight phrases after the first answer."""

    program: str
    model: str
    dtype: str
    device: str
    threads: int
    runtime: str = "torch"
    thorough: bool = False


class LoneFigures(BaseModel):
    """first_answer: from the start of the process, Python's imports included; load: of these, opening the model.

    peak_mib: resident memory at its highest, mapped files included, or a GPU's, over one phrase and then eight; None
    where the system does not tell.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_answer: Timing
    load_ms: float
    peak_mib: float | None


class LoneProcessError(KosmosAgentError):
    """A measured process ended early; the message holds its last words."""

    code = "lone_process"


@dataclass(frozen=True)
class _Run:
    sample: Sample
    load_s: float
    peak_mib: float | None


def measure_lone(
    choices: dict[str, LoneChoice], plan: Plan, progress: Progress = lambda words: None
) -> dict[str, LoneFigures]:
    """In turn, as many processes of each as samples are wanted, behind a thorough one that warms the page cache up."""
    thorough = {}
    for name, choice in choices.items():
        progress(f"memory of {name}")
        thorough[name] = _run(replace(choice, thorough=True))
    runs: dict[str, list[_Run]] = {name: [] for name in choices}
    for turn in range(plan.wanted):
        for name, choice in choices.items():
            progress(f"start of {name}, process {turn + 1}")
            runs[name].append(_run(choice))
    return {name: _figures(thorough[name], taken, plan) for name, taken in runs.items()}


def _figures(thorough: _Run, runs: list[_Run], plan: Plan) -> LoneFigures:
    return LoneFigures(
        first_answer=summarise([run.sample for run in runs], plan.wanted, plan.allowed_cores),
        load_ms=1000 * statistics.median(run.load_s for run in runs),
        peak_mib=thorough.peak_mib,
    )


def _run(choice: LoneChoice) -> _Run:
    command = [sys.executable, "-m", f"{__package__}.{choice.program}", json.dumps(asdict(choice))]
    with TemporaryFile("w+") as errors:
        before = read_cpu()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as child:  # noqa: S603
            lines = iter(child.stdout or ())
            answered = next(lines, "")
            after = read_cpu((child.pid,))
            rest = next(lines, "")
        if child.returncode or not rest:
            errors.seek(0)
            words = errors.read().strip().splitlines()[-1:] or ["it said nothing"]
            raise LoneProcessError(f"{choice.program} with {choice.dtype} ended with {child.returncode}: {words[0]}")
    sample = Sample(after.wall_s - before.wall_s, foreign_cores(before, after))
    return _Run(sample, json.loads(answered)["load_s"], json.loads(rest)["peak_mib"])
