"""The paper's whole way, small and real: pairs, GrIT, both stages of training on it, then evaluation of what came out.

python benchmarks/bench_paper.py [--folder .cache/bench-grit] [--pairs 2000] [--steps 2400] [--tuning-steps 1000]

Each stage is a command of the command line, printed before it runs; stopped and called again, it goes on. The pairs and
the GrIT are those of `bench_grit.py`, made where they are not there yet. The vision tower begins as the embedded
model's, everything behind it with random weights, and it sees few pictures: the figures show that the stages fit
together, and how far so little training comes. After each of the two stages the model is asked what the embedded one is
asked in `docs/evaluation.md`, under the paper's protocols.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COMMAND = (sys.executable, "-m", "kosmos_agent")
SIMULATION = (sys.executable, "-m")
RUNS = ("pretrained", "instructed")
FIGURES = {
    "refcoco": "accuracy_iou50",
    "flickr30k": "recall_at_1",
    "reg": "cider",
    "caption": "cider",
    "vqa": "accuracy",
}
VQA = "v2_OpenEnded_mscoco_tabletop2014_questions.json", "v2_mscoco_tabletop2014_annotations.json"

console = Console(stderr=True)


def run(command: list[str] | tuple[str, ...]) -> str:
    console.print(f"[dim]{shlex.join(str(part) for part in command)}[/]", soft_wrap=True)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def make_data(folder: Path, pairs: int) -> None:
    run([*SIMULATION, "kosmos_sim.pairs", "--count", str(pairs), "--out", str(folder / "pairs")])
    building = ["--parser", "tabletop", "--threads", "1", "--pairs", str(folder / "pairs")]
    run([*COMMAND, "grit", "build", *building, "--out", str(folder / "grit")])
    for name, module in {"second": "kosmos_sim.second_sources", "tops": "kosmos_sim.public_formats"}.items():
        if not (folder / name).exists():
            part = folder / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            run([*SIMULATION, module, "--out", str(part)])
            part.rename(folder / name)


def train(folder: Path, steps: int, tuning_steps: int) -> None:
    """Both stages; the second begins with the model of the first."""
    first, second = (folder / name for name in RUNS)
    changes = {
        "pretrain": (first, [f"schedule.steps={steps}"]),
        "instruct": (second, [f"schedule.steps={tuning_steps}", f"model.start={first / 'model'}"]),
    }
    for stage, (target, settings) in changes.items():
        options = [part for setting in settings for part in ("--set", setting)]
        recipe = ["--config", f"small_{stage}", "--data", str(folder), "--run-folder", str(target)]
        run([*COMMAND, "train", stage, *recipe, *options])


def evaluate(folder: Path, name: str, pictures: int) -> dict[str, Any]:
    """Reports by benchmark, of the model of that run."""
    model, out = str(folder / name / "model"), folder / "eval" / name
    coco, flickr = folder / "tops" / "coco", folder / "tops" / "flickr30k"
    data = {
        "refcoco": ["--data", coco],
        "flickr30k": ["--data", flickr],
        "reg": ["--data", folder / "tops" / "refcocog", "--images", coco],
        "caption": ["--data", flickr / "dataset_flickr30k.json"],
        "vqa": ["--data", coco / VQA[0], "--annotations", coco / VQA[1]],
    }
    found = {}
    for benchmark, options in data.items():
        asked = [*map(str, options), "--split", "test", "--pictures", str(pictures), "--model", model]
        kept = ["--out", str(out / benchmark), "--json"]
        found[benchmark] = json.loads(run([*COMMAND, "eval", benchmark, *asked, *kept]).splitlines()[-1])
    return found


def print_report(found: dict[str, dict[str, Any]]) -> None:
    table = Table("benchmark", "figure", *found, title="paper's protocols, tables of the test split, %")
    for name, key in FIGURES.items():
        values = [f"{100 * item[name][key]:.1f} (of {item[name]['n']})" for item in found.values()]
        table.add_row(name, key, *values)
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(".cache/bench-grit"))
    parser.add_argument("--pairs", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=2_400)
    parser.add_argument("--tuning-steps", type=int, default=1_000)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--out", type=Path, help="the figures as JSON")
    options = parser.parse_args()
    folder = options.folder.resolve()
    make_data(folder, options.pairs)
    train(folder, options.steps, options.tuning_steps)
    found = {name: evaluate(folder, name, options.pictures) for name in RUNS}
    print_report(found)
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
