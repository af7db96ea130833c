"""The figures of a comparison as small pictures."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kosmos_agent.benchmarking.ours import NAME
from kosmos_agent.benchmarking.report import Comparison
from kosmos_agent.benchmarking.stages import STAGES
from kosmos_agent.benchmarking.works import WORKS

_OURS, _THEIRS = "tab:blue", "0.65"


def write_plots(folder: Path, found: Comparison, prefix: str) -> list[str]:
    """Into a folder that exists; names of the files. What was not measured is left out."""
    figures = {
        "works": _works(found) if found.works else None,
        "floors": _floors(found) if found.stages else None,
        "beside": _beside(found) if found.beside else None,
        "parts": _parts(found) if found.breakdown else None,
    }
    names = []
    for name, figure in figures.items():
        if figure is not None:
            names.append(f"{prefix}-{name}.png")
            figure.savefig(folder / names[-1], dpi=90)
    return names


def _works(found: Comparison) -> Figure:
    names = list(dict.fromkeys(name for timings in found.works.values() for name in timings))
    colours = [_OURS if name.startswith(NAME) else _THEIRS for name in names]
    figure, axes = _figure(11, 1.4 + 0.25 * len(names), len(found.works))
    for axis, (work, timings) in zip(axes, found.works.items(), strict=True):
        times_ms = [timings[name].median_ms if name in timings else 0.0 for name in names]
        bars = axis.barh(names, times_ms, color=colours)
        axis.bar_label(bars, labels=[_label(time_ms) for time_ms in times_ms], fontsize=7, padding=2)
        axis.margins(x=0.25)
        axis.invert_yaxis()
        axis.tick_params(labelsize=7, labelleft=axis is axes[0])
        axis.set_title(WORKS[work], fontsize=8)
        axis.set_xlabel("ms", fontsize=8)
    return figure


def _label(time_ms: float) -> str:
    return f"{time_ms:,.0f}" if time_ms >= 100 else f"{time_ms:.1f}" if time_ms else ""


def _floors(found: Comparison) -> Figure:
    figure, (axis,) = _figure(8, 1.2 + 0.8 * len(STAGES), 1)
    thickness = 0.8 / len(found.stages)
    for index, (kind, figures) in enumerate(found.stages.items()):
        places = [place + thickness * index for place in range(len(figures))]
        axis.barh(places, [item.timing.median_ms for item in figures.values()], thickness, label=kind, alpha=0.8)
        ends = [place - thickness / 2 for place in places], [place + thickness / 2 for place in places]
        axis.vlines([item.floor_ms for item in figures.values()], *ends, "k", linewidth=2)
    axis.set_yticks([place + 0.4 - thickness / 2 for place in range(len(STAGES))], list(STAGES.values()), fontsize=8)
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel="ms", title="stages; black: the machine's floor")
    axis.legend(fontsize=8)
    return figure


def _beside(found: Comparison) -> Figure:
    figure, axes = _figure(8, 3.2, len(found.beside[0].timings))
    for axis, name in zip(axes, found.beside[0].timings, strict=True):
        for threads in dict.fromkeys(row.threads for row in found.beside):
            rows = [row for row in found.beside if row.threads == threads]
            times_ms = [row.timings[name].median_ms for row in rows]
            axis.plot([row.neighbours for row in rows], times_ms, marker="o", label=f"{threads} threads")
        axis.set_xticks(sorted({row.neighbours for row in found.beside}))
        axis.set(xlabel="busy neighbours", ylabel="ms, a phrase on a ready frame", title=name, ylim=(0, None))
        axis.legend(fontsize=8)
    return figure


def _parts(found: Comparison) -> Figure:
    figure, (axis,) = _figure(8, 3.6, 1)
    assert found.breakdown is not None  # noqa: S101  asked before
    parts = found.breakdown.parts
    bars = axis.barh([f"{part.stage}: {part.part}" for part in parts], [part.milliseconds for part in parts])
    axis.bar_label(bars, fmt="%.2f", fontsize=7, padding=2)
    axis.invert_yaxis()
    axis.tick_params(labelsize=7)
    axis.set(
        xlabel="ms", title=f"a new frame with {found.breakdown.phrases} phrases, {found.breakdown.total_ms:.1f} ms"
    )
    return figure


def _figure(width_in: float, height_in: float, columns: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for axis in axes:
        axis.grid(alpha=0.3)
    return figure, axes
