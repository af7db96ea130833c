"""GrIT's figures on pairs from the simulation: speed by stage, what is kept and how right, Ray against one process.

python benchmarks/bench_grit.py [--count 2000] [--ray-count 200] [--folder .cache/bench-grit] [--out FILE.json]

The detector is the embedded model on one thread. Everything is resumed: finished shards are not done again, and times
are summed over the calls that did them. Of a call that was stopped nobody knows the time: its pairs are in the table,
and how many there are is said. What the boxes are held against is in the JSON of each pair, which the recipe
does not read. The rate of an engine is that of its whole run: what it takes to start, Ray and the models, stands beside
it as the time to the first pair.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kosmos_agent.evaluation.matching import match
from kosmos_agent.grit.records import GritRecord
from kosmos_agent.grit.samples import Sample
from kosmos_agent.grit.shards import find_shards
from kosmos_agent.grit.statistics import statistics
from kosmos_agent.grit.table import read_table
from kosmos_agent.results import Box
from kosmos_agent.version import __version__

LIST_OPENING = "An image of"
COMMAND = (sys.executable, "-m", "kosmos_agent", "grit", "build", "--parser", "tabletop", "--threads", "1", "--json")


def make_pairs(folder: Path, count: int, shard: int) -> Path:
    command = [sys.executable, "-m", "kosmos_sim.pairs", "--count", str(count), "--shard", str(shard)]
    subprocess.run([*command, "--out", str(folder)], check=True)
    return folder


def build(pairs: Path, out: Path, *options: str) -> dict[str, Any]:
    """The command's own reports, summed over the calls that filled `out`.

    command_seconds: wall time. cpu_seconds: of the command itself, without Ray's own processes. load_average and
    first_pair_seconds: of the last call that built something. SystemExit where no call was timed.
    """
    kept = out.with_suffix(".json")
    if not any(out.glob("*.parquet")):
        kept.unlink(missing_ok=True)  # of a folder that was deleted
    started, before = time.perf_counter(), os.times()
    command = [*COMMAND, "--pairs", str(pairs), "--out", str(out), *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(done.stdout.splitlines()[-1])
    earlier = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else None
    if report["shards"] == 0:
        if earlier is None:
            raise SystemExit(f"{out} was built by another command, so that no time is known: delete {out} to time it")
        return earlier
    report["command_seconds"] = time.perf_counter() - started
    after = os.times()
    report["cpu_seconds"] = sum(after[2:4]) - sum(before[2:4])
    report["load_average"] = os.getloadavg()[0]
    report = summed(earlier, report) if earlier is not None else report
    kept.write_text(json.dumps(report), encoding="utf-8")
    return report


def summed(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Two calls' reports as one."""
    plain = ("pairs", "kept", "shards", "seconds", "command_seconds", "cpu_seconds")
    inner = {
        name: {key: earlier[name].get(key, 0) + later[name].get(key, 0) for key in {**earlier[name], **later[name]}}
        for name in ("rejected", "stage_seconds")
    }
    return {**later, **{name: earlier[name] + later[name] for name in plain}, **inner}


def built_pairs(pairs: Path, out: Path) -> Iterator[tuple[Sample, GritRecord | None]]:
    """Every pair of the shards that are done, with its record where it was kept."""
    for shard in find_shards(pairs):
        table = out / f"{shard.name}.parquet"
        if table.is_file():
            records = {record.key: record for record in read_table(table)}
            yield from ((sample, records.get(sample.key)) for sample in shard.samples())


def correctness(pairs: Path, out: Path) -> dict[str, Any]:
    """Boxes of noun chunks against the simulator's, span by span, one to one at IoU 0.5.

    precision: of kept boxes. recall: of the true boxes of all pairs, those of pairs that were set aside included.
    A list names all equal things together. A placed thing is told apart by its place alone, which its chunk leaves out.
    """
    right, kept, true = Counter[str](), Counter[str](), Counter[str]()
    for sample, record in built_pairs(pairs, out):
        facts = sample.facts()
        style = "listed" if facts["caption"].startswith(LIST_OPENING) else "placed"
        for span in facts["true_spans"]:
            place = (span["start"], span["end"])
            expected = [Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in span["boxes"]]
            sort = f"{'several things' if len(expected) > 1 else 'one thing'}, {style}"
            rows = [row.corners for row in record.noun_chunks if row.span == place] if record else []
            found = [Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in rows]
            right[sort] += len(match(found, expected))
            kept[sort] += len(found)
            true[sort] += len(expected)
    return {sort: _shares(right[sort], kept[sort], true[sort]) for sort in sorted(true)} | {
        "all": _shares(right.total(), kept.total(), true.total())
    }


def _shares(right: int, kept: int, true: int) -> dict[str, float]:
    return {"kept": kept, "true": true, "precision": right / max(kept, 1), "recall": right / max(true, 1)}


def same_tables(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in one.glob("*.parquet"))
    matching, different, missing = filecmp.cmpfiles(one, other, names, shallow=False)
    return len(matching) == len(names) and not different and not missing


def on_ray(folder: Path, count: int) -> dict[str, Any]:
    pairs = make_pairs(folder / "pairs-ray", count, max(count // 8, 1))
    found = {"single": build(pairs, folder / "ray-single")}
    for workers in (1, 2):
        out, name = folder / f"ray-{workers}", f"ray, {workers} worker{'s' if workers > 1 else ''}"
        found[name] = build(pairs, out, "--engine", "ray", "--workers", str(workers))
        found[name]["same_files"] = same_tables(folder / "ray-single", out)
    return found


def print_report(found: dict[str, Any]) -> None:
    console = Console()
    whole = found["whole"]
    if found["built"] != whole["pairs"]:
        console.print(f"{whole['pairs']} of {found['built']} pairs are timed: calls that were stopped built the others")
    stages = Table("stage", "ms a pair", title=f"{whole['pairs']} pairs, one process, one thread")
    for stage, seconds in whole["stage_seconds"].items():
        stages.add_row(stage, f"{1000 * seconds / whole['pairs']:.2f}")
    console.print(f"{whole['cpu_seconds'] / whole['pairs']:.3f} CPU s a pair; load {whole['load_average']:.1f}")
    console.print(stages, f"kept {whole['kept']} of {whole['pairs']}; set aside {whole['rejected']}")
    console.print({name: value for name, value in found["table1"].items() if name != "paper"})
    scores = Table("phrases of", "true boxes", "kept", "precision", "recall", title="against the simulator, IoU 0.5")
    for sort, item in found["correctness"].items():
        numbers = f"{item['true']:.0f}", f"{item['kept']:.0f}", f"{item['precision']:.3f}", f"{item['recall']:.3f}"
        scores.add_row(sort, *numbers)
    engines = Table("engine", "pairs", "pairs a second", "s to the first pair", "same files")
    for name, item in found["engines"].items():
        rate, first = f"{item['pairs'] / item['seconds']:.2f}", f"{item['first_pair_seconds'] or 0:.1f}"
        engines.add_row(name, str(item["pairs"]), rate, first, str(item.get("same_files")))
    console.print(scores, engines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--ray-count", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=Path(".cache/bench-grit"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    folder = options.folder
    pairs = make_pairs(folder / "pairs", options.count, 250)
    whole = build(pairs, folder / "grit")
    found = {
        "version": __version__,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "whole": whole,
        "built": sum(1 for _ in built_pairs(pairs, folder / "grit")),
        "table1": statistics(folder / "grit").summary(),
        "correctness": correctness(pairs, folder / "grit"),
        "engines": on_ray(folder, options.ray_count) if options.ray_count else {},
    }
    print_report(found)
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
