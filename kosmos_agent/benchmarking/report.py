"""What a benchmark found, as it is printed, kept and turned into tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from kosmos_agent.benchmarking.answers import AnswerCheck
from kosmos_agent.benchmarking.breakdown import Breakdown
from kosmos_agent.benchmarking.crowd import CrowdRow
from kosmos_agent.benchmarking.lone import LoneFigures
from kosmos_agent.benchmarking.machine import Limits, Machine
from kosmos_agent.benchmarking.stages import StageFigures
from kosmos_agent.benchmarking.throughput import Rate
from kosmos_agent.benchmarking.timing import Timing

Timings = Mapping[str, Timing]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFigures(_Frozen):
    """tower: the published one, which transformers has too, or that of the embedded model."""

    name: str
    parameters: int
    tower: str
    prompt_tokens: int


class Comparison(_Frozen):
    """works: by work, by contender. caption_tokens: that each wrote; a shorter caption is no faster one.
    caption_guessed: how many of these were guessed right and read in one pass with others.

    ratios: by work, by baseline, by one of ours: how many times faster than it. answers: by one of ours, held against
    transformers in float32. stages: by number type. lone: by contender. throughput: by kind, by contender. What was not
    asked for is empty. noisy: what lacked calm samples.
    """

    machine: Machine
    model: ModelFigures
    wanted_samples: int
    works: dict[str, dict[str, Timing]]
    caption_tokens: dict[str, int] = {}
    caption_guessed: dict[str, int] = {}
    ratios: dict[str, dict[str, dict[str, float]]]
    answers: dict[str, AnswerCheck] = {}
    limits: Limits | None = None
    stages: dict[str, dict[str, StageFigures]] = {}
    lone: dict[str, LoneFigures] = {}
    beside: list[CrowdRow] = []
    breakdown: Breakdown | None = None
    throughput: dict[str, dict[str, Rate]] = {}
    noisy: list[str] = []


def ratios_of(
    works: Mapping[str, Timings], baselines: Mapping[str, Sequence[str]], ours: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Median of a baseline over median of each of ours, for every work that both did.

    baselines: by label, contenders of the other side that differ in their number type alone: the fastest counts.
    """
    ratios: dict[str, dict[str, dict[str, float]]] = {}
    for work, timings in works.items():
        fastest = {
            label: min((timings[name].median_ms for name in names if name in timings), default=None)
            for label, names in baselines.items()
        }
        ratios[work] = {
            label: {name: best / timings[name].median_ms for name in ours if name in timings}
            for label, best in fastest.items()
            if best is not None
        }
    return ratios


def noisy_names(comparison: Comparison) -> list[str]:
    """Every figure that rests on samples taken while others used our processors."""
    return [name for name, timing in _all_timings(comparison) if timing.noisy]


def _all_timings(found: Comparison) -> Iterator[tuple[str, Timing]]:
    for work, timings in found.works.items():
        yield from ((f"{work}: {name}", timing) for name, timing in timings.items())
    for rate, by_name in found.throughput.items():
        yield from ((f"{rate}: {name}", item.timing) for name, item in by_name.items())
    for kind, stages in found.stages.items():
        yield from ((f"stage {stage}: {kind}", figures.timing) for stage, figures in stages.items())
    if found.limits is not None:
        yield from ((f"limit: {name}", timing) for name, timing in found.limits.timings.items())
    for name, figures in found.lone.items():
        yield f"start: {name}", figures.first_answer
    for row in found.beside:
        yield from ((f"{row.threads} threads beside {row.neighbours}: {name}", t) for name, t in row.timings.items())
