"""A report as tables: ours, groups of it, and what others published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

_SHOWN: Mapping[str, tuple[tuple[str, str], ...]] = {
    "refcoco": (("accuracy_iou50", "accuracy"), ("accuracy_iou75", "IoU 0.75"), ("mean_iou", "mean IoU")),
    "flickr30k": (("recall_at_1", "R@1"), ("recall_at_5", "R@5"), ("recall_at_10", "R@10")),
    "ref-l4": (
        ("accuracy_iou50", "0.5"), ("accuracy_iou75", "0.75"), ("accuracy_iou90", "0.9"), ("m_acc", "mAcc"),
    ),
    "reg": (("meteor", "METEOR"), ("cider", "CIDEr")),
    "caption": (("cider", "CIDEr"), ("meteor", "METEOR"), ("bleu_4", "BLEU-4"), ("rouge_l", "ROUGE-L")),
    "vqa": (("accuracy", "accuracy"),),
    "labels": (
        ("accuracy_iou50", "IoU 0.5"), ("accuracy_iou75", "IoU 0.75"), ("mean_iou", "mean IoU"),
        ("presence_auroc", "AUROC"), ("plural_f1", "several, F1"), ("describe_accuracy", "described"),
        ("caption_f1", "caption F1"), ("question_accuracy", "answered"),
    ),
    "language": (("accuracy", "accuracy"), ("accuracy_per_byte", "per byte")),
}  # fmt: skip
_SAME = {"refcoco+": "refcoco", "refcocog": "refcoco"}


def print_report(report: Mapping[str, Any]) -> None:
    """Shares and scores of 100, as tables print them."""
    benchmark = str(report["benchmark"])
    columns = _SHOWN[_SAME.get(benchmark, benchmark)]
    table = Table(title=f"{benchmark} {report['split']}: n = {report['n']}, {report['seconds']:.0f} s")
    table.add_column("model")
    for _, heading in columns:
        table.add_column(heading, justify="right")
    table.add_column("of")
    table.add_row(str(report["model"]), *_cells(report, columns, 100), "this run", style="bold")
    for kind, figures in report.get("by_kind", {}).items():
        table.add_row(f"  {kind}", *_cells(figures, columns, 100), f"n = {figures['n']}")
    table.add_section()
    for row in sorted(report["published"], key=lambda item: not item["zero_shot"]):
        split = report["split"] if report["split"] in row["percent"] else next(iter(row["percent"]))
        seen = "zero-shot" if row["zero_shot"] else "trained on it"
        table.add_row(row["model"], *_cells(row["percent"][split], columns, 1), f"{split}; {seen}; {row['source']}")
    console = Console()
    console.print(table)
    if report["published"]:
        console.print("Published figures are of the public data; they compare with a run on the same files alone.")
    for file in report["files"]:
        console.print(file, soft_wrap=True)


def print_tasks(report: Mapping[str, Any]) -> None:
    """One row for each task of the harness, and in it what others published."""
    table = Table(title=f"{report['model']}, language: {report['seconds']:.0f} s")
    for name in ("task", "accuracy", "published"):
        table.add_column(name, justify="right" if name == "accuracy" else "left")
    for name, figures in report["tasks"].items():
        others = "\n".join(f"{model} {value:.1f}" for model, value in figures["published"].items())
        table.add_row(name, f"{100 * figures['accuracy']:.1f}", others or "-")
    console = Console()
    console.print(table)
    for file in report["files"]:
        console.print(file, soft_wrap=True)


def _cells(figures: Mapping[str, Any], columns: Sequence[tuple[str, str]], scale: float) -> list[str]:
    values = [figures.get(key) for key, _ in columns]
    return ["-" if value is None else f"{value * scale:.1f}" for value in values]
