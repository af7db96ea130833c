"""Training history as a picture."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw_curves(history: Path, target: Path) -> None:
    """Held-out accuracy by size and the loss parts against pictures seen, from a history.jsonl, as a PNG."""
    records = [json.loads(line) for line in history.read_text().splitlines()]
    seen = [record["pictures"] / 1000 for record in records]
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    scores, losses = figure.subplots(1, 2)
    for name, label in (("ge12", "12 % and more"), ("7to12", "7 to 12 %"), ("lt7", "below 7 %")):
        values = [record["by_size"][name].get("accuracy_iou50", float("nan")) for record in records]
        scores.plot(seen, values, marker="o", markersize=3, label=label)
    scores.plot(seen, [record["presence_auroc"] for record in records], "k--", label="presence AUROC")
    scores.set(xlabel="thousand pictures", ylabel="accuracy at IoU 0.5", ylim=(0, 1))
    names = sorted({name for record in records for name in record["losses"]} - {"loss"}) or ["loss"]
    for name in names:
        losses.plot(seen, [record["losses"].get(name, float("nan")) for record in records], label=name)
    losses.set(xlabel="thousand pictures", ylabel="loss", yscale="log")
    for axis in (scores, losses):
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.savefig(target, dpi=110)
