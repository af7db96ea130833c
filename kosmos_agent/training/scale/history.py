"""The losses of a run, a line of JSON for each logged step, and their picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_WINDOW = 25
"""Logged steps in the running mean of a curve."""


class History:
    """`history.jsonl` in the run's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "history.jsonl"

    def rewind(self, step: int) -> None:
        """Forget what was logged after `step`: a resumed run makes those steps again."""
        if self.path.exists():
            kept = [line for line in self.path.read_text().splitlines() if json.loads(line)["step"] <= step]
            self.path.write_text("".join(f"{line}\n" for line in kept))

    def add(self, record: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []


def draw_losses(history: History, target: Path) -> None:
    """Loss by source against steps as a PNG: what was logged, and its running mean."""
    records = history.records()
    if not records:
        return
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    steps = np.array([record["step"] for record in records])
    for number, title in enumerate(records[-1]["by_source"]):
        values = np.array([record["by_source"].get(title) or np.nan for record in records], float)
        axis.plot(steps, values, color=f"C{number}", alpha=0.2, linewidth=0.8)
        axis.plot(steps, _running_mean(values), color=f"C{number}", label=title)
    axis.set(xlabel="step", ylabel="loss of a token", ylim=(0, None))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(target, dpi=110)


def _running_mean(values: np.ndarray) -> np.ndarray:
    """Over the last `_WINDOW` values, fewer at the start."""
    sums = np.cumsum(np.nan_to_num(values))
    counts = np.cumsum(~np.isnan(values))
    sums[_WINDOW:] -= sums[:-_WINDOW].copy()
    counts[_WINDOW:] -= counts[:-_WINDOW].copy()
    return sums / np.maximum(counts, 1)
