"""A comparison as markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kosmos_agent.benchmarking.report import Comparison
from kosmos_agent.benchmarking.stages import STAGES
from kosmos_agent.benchmarking.throughput import Rate
from kosmos_agent.benchmarking.timing import Timing
from kosmos_agent.benchmarking.works import WORKS

NOISY_MARK = "~"
"""Before a figure that rests on samples taken while others used our processors."""


def summary_tables(found: Comparison) -> list[str]:
    """All that was measured, for a terminal."""
    tables = [machine_line(found), works_table(found), ratios_table(found)]
    tables += [throughput_table(found)] if found.throughput else []
    tables += [answers_table(found)] if found.answers else []
    tables += [limits_table({found.model.name: found}), floors_table(found)] if found.stages else []
    tables += [lone_table(found)] if found.lone else []
    tables += [crowd_table(found)] if found.beside else []
    tables += [parts_table(found)] if found.breakdown else []
    return [*(table for table in tables if table), noise_line(found)]


def machine_line(found: Comparison) -> str:
    machine, model = found.machine, found.model
    return (
        f"{model.name}: {model.parameters / 1e6:,.1f} M parameters, {model.tower} tower, prompts of "
        f"{model.prompt_tokens} tokens. {machine.processor}, {machine.threads} threads of {machine.cpus} processors, "
        f"{machine.memory_gib:.0f} GiB; torch {machine.torch}, Python {machine.python}, kosmos-agent "
        f"{machine.kosmos_agent}. Medians of {found.wanted_samples}."
    )


def noise_line(found: Comparison) -> str:
    """Said either way: silence would read as calm."""
    if not found.noisy:
        return f"Every figure has {found.wanted_samples} samples in which others left our processors alone."
    return (
        f"{NOISY_MARK} {len(found.noisy)} figures had fewer than {found.wanted_samples} calm samples, and stand on the "
        f"calmest there were: {'; '.join(found.noisy)}."
    )


def works_table(found: Comparison) -> str:
    """Milliseconds, a row for each contender."""
    if not found.works:
        return ""
    names = list(dict.fromkeys(name for timings in found.works.values() for name in timings))
    rows = [[name, *(_time(found.works[work].get(name)) for work in found.works)] for name in names]
    return "\n\n".join([table(["ms", *(WORKS[work] for work in found.works)], rows), _captions_line(found)]).strip()


def _captions_line(found: Comparison) -> str:
    lengths, guessed = found.caption_tokens, _counts(found.caption_guessed)
    ahead = f" Guessed right, and so read in one pass with others, were: {guessed}." if guessed else ""
    if len(set(lengths.values())) == 1:
        return f"All captions were {next(iter(lengths.values()))} tokens long.{ahead}"
    if not lengths:
        return ""
    return f"Captions differed in length, so that their times do not compare; tokens: {_counts(lengths)}.{ahead}"


def _counts(by_name: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in by_name.items())


def ratios_table(found: Comparison) -> str:
    """How many times faster, a row for each of ours and each baseline."""
    pairs = dict.fromkeys(
        (ours, baseline)
        for baselines in found.ratios.values()
        for baseline, by_name in baselines.items()
        for ours in by_name
    )
    rows = [
        [ours, baseline, *(_ratio(found, work, baseline, ours) for work in found.ratios)] for ours, baseline in pairs
    ]
    return table(["times faster", "than", *(WORKS[work] for work in found.ratios)], rows) if rows else ""


def throughput_table(found: Comparison) -> str:
    """Frames and captions a second, a row for each contender."""
    if not found.throughput:
        return ""
    names = dict.fromkeys(name for rates in found.throughput.values() for name in rates)
    rows = [[name, *(_rate(rates.get(name)) for rates in found.throughput.values())] for name in names]
    return table(["throughput", *found.throughput], rows)


def limits_table(parts: Mapping[str, Comparison]) -> str:
    """parts: by the word for each, whose own limits its floors rest on; a column for each that has them."""
    limits = {name: found.limits for name, found in parts.items() if found.limits is not None}
    sides = dict.fromkeys((kind, item.gemm_side) for item in limits.values() for kind in item.gemm_gops)
    rows = [
        [f"{kind} product of {side} x {side}, 10^9 operations/s"]
        + [_whole(item.gemm_gops.get(kind) if item.gemm_side == side else None) for item in limits.values()]
        for kind, side in sides
    ]
    reading = ["reading, GB/s", *(f"{_mark(item.timings.get('read'))}{item.read_gb_s:.1f}" for item in limits.values())]
    return table(["limit", *(f"measured with {name}" for name in limits)], [*rows, reading]) if limits else ""


def floors_table(found: Comparison) -> str:
    """A row for each stage and number type."""
    rows = [
        [
            STAGES[stage],
            kind,
            f"{figures.giga_operations:.3g}",
            f"{figures.megabytes:,.4g}",
            f"{figures.floor_ms:.3g} ({figures.bound})",
            _time(figures.timing),
            f"{100 * figures.reached:.0f} %",
        ]
        for kind, stages in found.stages.items()
        for stage, figures in stages.items()
    ]
    return table(["stage", "type", "10^9 operations", "MB", "floor, ms", "measured, ms", "of the floor"], rows)


def lone_table(found: Comparison) -> str:
    rows = [
        [
            name,
            f"{_mark(figures.first_answer)}{figures.first_answer.median_ms / 1000:.2f}",
            f"{figures.load_ms / 1000:.2f}",
            "-" if figures.peak_mib is None else f"{figures.peak_mib:,.0f}",
        ]
        for name, figures in found.lone.items()
    ]
    return table(
        ["a process by itself", "start to first answer, s", "of it opening the model, s", "peak memory, MiB"], rows
    )


def crowd_table(found: Comparison) -> str:
    """Milliseconds for a phrase on a ready frame."""
    names = list(found.beside[0].timings)
    rows = [
        [str(row.neighbours), str(row.threads), *(_time(row.timings[name]) for name in names)] for row in found.beside
    ]
    return table(["busy neighbours", "threads", *(f"{name}, ms" for name in names)], rows)


def parts_table(found: Comparison) -> str:
    breakdown = found.breakdown
    if breakdown is None:
        return ""
    rows = [
        [part.stage, part.part, f"{part.milliseconds:.2f}", f"{100 * part.milliseconds / breakdown.total_ms:.0f} %"]
        for part in breakdown.parts
    ]
    unit = "ms" if breakdown.precision is None else f"ms in {breakdown.precision}"
    return table(["stage", "part", unit, "share"], [*rows, ["all", "", f"{breakdown.total_ms:.2f}", "100 %"]])


def operations_table(found: Comparison) -> str:
    if found.breakdown is None:
        return ""
    rows = [[f"`{item.name}`", str(item.calls), f"{100 * item.share:.0f} %"] for item in found.breakdown.operations]
    return table(["operation", "calls", "share"], rows)


def answers_table(found: Comparison) -> str:
    """The last two columns only where they were measured."""
    head = ["same as generate() in float32", "boxes", "tokens of a caption, from its start"]
    if any(check.corners_move is not None for check in found.answers.values()):
        head += ["probability of a thing changes by, mean", "of a corner's probability lies elsewhere, mean"]
    rows = [
        [
            name,
            f"{check.boxes_alike} of {check.phrases}",
            f"{check.caption_alike} of {check.caption_tokens}",
            *map(_small, (check.presence_changes, check.corners_move)),
        ][: len(head)]
        for name, check in found.answers.items()
    ]
    return table(head, rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _mark(timing: Timing | None) -> str:
    return NOISY_MARK if timing is not None and timing.noisy else ""


def _rate(rate: Rate | None) -> str:
    return "-" if rate is None else f"{_mark(rate.timing)}{_significant(rate.per_second)}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _small(value: float | None) -> str:
    return "-" if value is None else f"{value:.1g}" if value < 0.001 else f"{value:.3f}"


def _time(timing: Timing | None) -> str:
    return "-" if timing is None else f"{_mark(timing)}{_significant(timing.median_ms)}"


def _significant(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _ratio(found: Comparison, work: str, baseline: str, ours: str) -> str:
    ratio = found.ratios[work].get(baseline, {}).get(ours)
    if ratio is None:
        return "-"
    theirs = [timing for name, timing in found.works[work].items() if name.startswith(baseline)]
    noisy = any(timing.noisy for timing in [*theirs, found.works[work][ours]])
    return f"{NOISY_MARK if noisy else ''}{ratio:.1f}"
