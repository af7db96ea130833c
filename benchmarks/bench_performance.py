"""All figures of docs/performance.md: two comparisons with transformers, their tables between the page's marks, plots.

python benchmarks/bench_performance.py [--quick] [--resume] [--full-size FOLDER] [--threads N] [--beside N]

The full-size model has random weights: what it costs does not depend on them. It is written once (3.3 GB). `--quick`
takes a model of the published widths with 4 of 24 layers in its place, fewer samples, and writes its page into the work
folder instead of docs. `--resume` keeps the comparisons that an interrupted run finished.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from full_size_checkpoint import random_model

from kosmos_agent.benchmarking.page import page_tables
from kosmos_agent.benchmarking.plots import write_plots
from kosmos_agent.benchmarking.report import Comparison
from kosmos_agent.benchmarking.works import PHRASES
from kosmos_agent.marks import filled
from kosmos_agent.model.checkpoint import save_model
from kosmos_agent.model.config import ClipVisionConfig, Kosmos2Config
from kosmos_agent.tokenizer import build_word_tokenizer

DOCS = Path(__file__).parents[1] / "docs"
PAGE = "performance.md"
FULL_REPEAT, QUICK_REPEAT = 5, 2
SLAB_LAYERS = 4


def comparison(name: str, words: list[str], work: Path, resume: bool) -> Comparison:
    """As the command `kosmos-agent bench` gives it, in a process of its own."""
    kept = work / f"{name}.json"
    if not (resume and kept.is_file()):
        command = [sys.executable, "-m", "kosmos_agent", "bench", "--against", "transformers", "--json", *words]
        print("kosmos-agent", *command[3:], flush=True)
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        kept.write_text(told.splitlines()[-1] + "\n", encoding="utf-8")
    return Comparison.model_validate_json(kept.read_text(encoding="utf-8"))


def published_config(layers: int | None) -> Kosmos2Config:
    """layers: of both towers; None for all."""
    config = Kosmos2Config()
    if layers is None or not isinstance(config.vision, ClipVisionConfig):
        return config
    vision = replace(config.vision, num_hidden_layers=layers)
    return replace(config, text=replace(config.text, layers=layers), vision=vision)


def write_checkpoint(folder: Path, config: Kosmos2Config) -> None:
    """Random weights and a tokenizer that knows the benchmark's words; the folder is there when it is whole."""
    part = folder.with_name(f"{folder.name}.part")
    print(f"writing {folder}", flush=True)
    save_model(random_model(config, seed=0), part, tokenizer=build_word_tokenizer([*PHRASES, "an image of"]))
    part.rename(folder)


def write_page(work: Path, quick: bool, embedded: Comparison, full: Comparison) -> Path:
    """The page with its tables and pictures; a quick run's stays out of docs."""
    page = work / PAGE if quick else DOCS / PAGE
    pictures = page.with_suffix("")
    pictures.mkdir(exist_ok=True)
    if quick:
        shutil.copyfile(DOCS / PAGE, page)
    for prefix, found in (("embedded", embedded), ("full", full)):
        write_plots(pictures, found, prefix)
        (pictures / f"{prefix}.json").write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    page.write_text(filled(page.read_text(encoding="utf-8"), page_tables(embedded, full)), encoding="utf-8")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="4 of 24 layers and few samples: does it run?")
    parser.add_argument("--resume", action="store_true", help="keep what an interrupted run finished")
    parser.add_argument("--full-size", type=Path, help="a folder in the published layout, in place of random weights")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--beside", type=int, default=2, help="busy neighbours, at most")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--work", type=Path, default=Path("bench-out"))
    options = parser.parse_args()
    options.work.mkdir(exist_ok=True)
    large = options.full_size or options.work / ("slab" if options.quick else "full-size")
    if not (large / "config.json").is_file():
        write_checkpoint(large, published_config(SLAB_LAYERS if options.quick else None))
    repeat = QUICK_REPEAT if options.quick else FULL_REPEAT
    words = ["--threads", str(options.threads), "--device", options.device, "--repeat", str(repeat)]
    words += ["--patience", "1"] if options.quick else []
    crowd = ["--beside", str(options.beside)]
    embedded = comparison("embedded", [*words, *crowd], options.work, options.resume)
    full = comparison("full", [*words, *crowd, "--model", str(large)], options.work, options.resume)
    print(write_page(options.work, options.quick, embedded, full))


if __name__ == "__main__":
    main()
