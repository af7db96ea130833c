"""The figures of an evaluation as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kosmos_agent.evaluation.calibration_scores import ece, reliability_bins
from kosmos_agent.evaluation.grounding import GroundingReport
from kosmos_agent.evaluation.mistakes import mistakes_sheet
from kosmos_agent.evaluation.presence import precision_recall
from kosmos_agent.evaluation.referring import auroc, summarise
from kosmos_agent.evaluation.run import Evaluation

_SIZES = {"ge12": "12 % and more", "7to12": "7 to 12 %", "lt7": "below 7 %"}


def write_plots(folder: Path, evaluation: Evaluation) -> list[str]:
    """Into a folder that exists; names of the files. What nothing was asked for is left out."""
    report = evaluation.grounding
    names: list[str] = []
    if report.probabilities:
        _save(_reliability(report), folder / "reliability.png", names)
    if report.present and report.absent:
        _save(_presence(report), folder / "presence.png", names)
    if report.results:
        _save(_accuracy(report), folder / "accuracy.png", names)
    if len(evaluation.mistakes):
        mistakes_sheet(evaluation.mistakes).save(folder / "mistakes.jpg", quality=88)
        names.append("mistakes.jpg")
    return names


def _reliability(report: GroundingReport) -> Figure:
    figure, (best, presence) = _figure(9, 4.2, 2)
    _diagram(best, report.probabilities, report.outcomes, "probability of the best box", "share right at IoU 0.5")
    said = [*report.present, *report.absent]
    true = [True] * len(report.present) + [False] * len(report.absent)
    _diagram(presence, said, true, "presence probability", "share of things that are there")
    return figure


def _diagram(axis: Axes, said: Sequence[float], true: Sequence[bool], xlabel: str, ylabel: str) -> None:
    bins = reliability_bins(said, true)
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    axis.plot([item.mean_probability for item in bins], [item.frequency for item in bins], marker="o", markersize=4)
    axis.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, 1), ylim=(0, 1), title=f"ECE {ece(said, true):.3f}, n {len(said)}")


def _presence(report: GroundingReport) -> Figure:
    figure, (axis,) = _figure(5, 4.2, 1)
    points = precision_recall(report.present, report.absent)
    axis.step([recall for recall, _ in points], [precision for _, precision in points], where="post")
    share = len(report.present) / (len(report.present) + len(report.absent))
    axis.axhline(share, color="0.6", linewidth=1, linestyle="--")
    area = auroc(report.present, report.absent)
    title = f"AUROC {area:.3f}, {len(report.present)} present, {len(report.absent)} absent"
    axis.set(xlabel="recall of things that are there", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title=title)
    return figure


def _accuracy(report: GroundingReport) -> Figure:
    figure, (by_kind, by_size) = _figure(10, 4.2, 2)
    summary: dict[str, Any] = summarise(report.results)
    _bars(by_kind, summary["by_kind"], "kind of phrase")
    _bars(by_size, {label: summary["by_size"][name] for name, label in _SIZES.items()}, "side of the thing")
    return figure


def _bars(axis: Axes, groups: Mapping[str, Mapping[str, float]], title: str) -> None:
    """Accuracy at both thresholds and, below each name, how many phrases it rests on."""
    for offset, key, label in ((-0.2, "accuracy_iou50", "IoU 0.5"), (0.2, "accuracy_iou75", "IoU 0.75")):
        places = [place + offset for place in range(len(groups))]
        axis.bar(places, [group.get(key, 0.0) for group in groups.values()], width=0.4, label=label)
    names = [f"{name}\n{group['n']:.0f}" for name, group in groups.items()]
    axis.set_xticks(range(len(groups)), names, fontsize=8, rotation=30 if len(groups) > 4 else 0)
    axis.set(ylim=(0, 1), ylabel="accuracy", title=title)
    axis.legend(fontsize=8)


def _figure(width_in: float, height_in: float, columns: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for axis in axes:
        axis.grid(alpha=0.3)
    return figure, axes


def _save(figure: Figure, path: Path, names: list[str]) -> None:
    figure.savefig(path, dpi=110)
    names.append(path.name)
