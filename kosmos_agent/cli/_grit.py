"""The heavy half of `kosmos-agent grit`: makers of parsers and detectors, progress, tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.grit.building import Engine, Makers, build, plan, single_process
from kosmos_agent.grit.detection import Detector
from kosmos_agent.grit.grounder_detector import GrounderDetector
from kosmos_agent.grit.outcomes import Item
from kosmos_agent.grit.parsing import Parser, SpacyParser
from kosmos_agent.grit.reading import GroundedPair, ReadSettings, grounded_pairs
from kosmos_agent.grit.recipe import Recipe
from kosmos_agent.grit.rejects import Reject
from kosmos_agent.grit.sequences import grounded_ids
from kosmos_agent.grit.statistics import PAPER_TABLE, Statistics, TableRow
from kosmos_agent.grit.zero_shot_folder import zero_shot_type
from kosmos_agent.model.checkpoint import load_tokenizer
from kosmos_agent.model.folder import locate
from kosmos_agent.tokenizer import Tokenizer

TABLETOP = "tabletop"


@dataclass(frozen=True)
class BuildChoice:
    """What the options of `grit build` say. ray: address of the cluster, detector processes; None for one process."""

    pairs: Path
    out: Path
    parser: str
    detector: ModelChoice
    recipe: Recipe
    shard_samples: int
    ray: tuple[str | None, int] | None


def build_grit(choice: BuildChoice) -> dict[str, Any]:
    """The figures of this run; shards that an earlier one finished are not in them.

    first_pair_seconds: until the first pair was done, parsers, detectors and cluster started; None where none was left.
    """
    makers = Makers(
        parser_maker(choice.parser), partial(make_detector, choice.detector), choice.parser, choice.detector.model
    )
    shards = plan(choice.pairs, choice.out, makers, choice.recipe, choice.shard_samples)
    started = time.perf_counter()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pairs]} pairs"),
        TimeElapsedColumn(), console=Console(stderr=True),
    ) as progress:  # fmt: skip
        bar = progress.add_task("shards", total=len(shards), pairs=0)
        pairs, first = 0, None

        def tell(item: Item, *, shard_done: bool) -> None:
            nonlocal pairs, first
            pairs += item.count is None
            first = time.perf_counter() - started if first is None else first
            progress.update(bar, advance=int(shard_done), pairs=pairs)

        tally = build(shards, choice.out, makers, choice.recipe, _engine(choice), tell)
    return {
        "pairs": tally.pairs,
        "kept": tally.kept,
        "rejected": dict(tally.rejected),
        "shards": len(shards),
        "seconds": time.perf_counter() - started,
        "first_pair_seconds": first,
        "stage_seconds": dict(tally.seconds),
        "out": str(choice.out),
    }


def _engine(choice: BuildChoice) -> Engine:
    if choice.ray is None:
        return single_process
    with needs("scale"):
        from kosmos_agent.grit.ray_engine import RayEngine
        from kosmos_agent.ray_cluster import gpus_for
    address, workers = choice.ray
    return RayEngine(address, workers, gpus_per_worker=gpus_for(choice.detector.device))


def parser_maker(name: str) -> Callable[[], Parser]:
    """Checked here, before any process is started: MissingDependencyError where the pipeline is not installed."""
    if name == TABLETOP:
        with needs("sim"):
            from kosmos_sim.parses import TabletopParser
        return TabletopParser
    SpacyParser.load(name)
    return partial(SpacyParser.load, name)


def make_detector(choice: ModelChoice) -> Detector:
    """A folder of transformers' zero-shot detectors says so in its config.json; all else is a Grounder."""
    if zero_shot_type(choice.model) is not None:
        with needs("grit"):
            from kosmos_agent.grit.zero_shot import ZeroShotDetector
        return ZeroShotDetector.load(choice.model, device=choice.device, threads=choice.threads)
    return GrounderDetector(load_grounder(choice))


def read_pairs(
    folder: Path, pictures: Path | None, model: str, spans: Literal["expression", "chunk"], count: int
) -> Iterator[dict[str, Any]]:
    """At most `count` pairs that have a sequence; the others are told with their reason."""
    tokenizer = load_tokenizer(locate(model))
    pairs = grounded_pairs(folder, pictures=pictures, settings=ReadSettings(spans=spans), on_reject=_warn)
    return islice(_sequences(pairs, tokenizer), count)


def _sequences(pairs: Iterable[GroundedPair], tokenizer: Tokenizer) -> Iterator[dict[str, Any]]:
    for pair in pairs:
        try:
            ids = grounded_ids(pair.text, tokenizer)
        except KosmosAgentError as error:
            _warn(Reject.of(pair.key, "read", error))
            continue
        yield {"key": pair.key, "tokens": len(ids), "text": tokenizer.decode(ids, skip_special=False), "ids": ids}


def _warn(reject: Reject) -> None:
    typer.echo(f"kosmos-agent: {reject.key} set aside ({reject.code}): {reject.reason}", err=True)


def print_tally(report: dict[str, Any]) -> None:
    pairs = report["pairs"]
    if not report["shards"]:
        typer.echo(f"{report['out']}: every shard is done already")
        return
    rate = pairs / max(report["seconds"], 1e-9)
    typer.echo(f"{report['out']}: kept {report['kept']} of {pairs} pairs, {rate:.2f} pairs a second")
    for code, count in sorted(report["rejected"].items()):
        typer.echo(f"  set aside, {code}: {count}")
    for stage, spent in report["stage_seconds"].items():
        typer.echo(f"  {stage}: {1000 * spent / max(pairs, 1):.2f} ms a pair")


def _cells(name: str, row: TableRow) -> tuple[str, ...]:
    counts = ("-" if value is None else f"{value:,}" for value in row[:3])
    return name, *counts, "-" if row[3] is None else f"{row[3]:.2f}"


def print_statistics(found: Statistics) -> None:
    table = Table(title="as in the paper's Table 1")
    for name in ("dataset", "images", "objects", "text spans", "mean words of an expression"):
        table.add_column(name, justify="left" if name == "dataset" else "right")
    table.add_row(*_cells(found.name, found.table_row()), end_section=True)
    for name, row in PAPER_TABLE.items():
        table.add_row(*_cells(f"{name} (paper)", row))
    console = Console()
    console.print(table)
    console.print(f"boxes a picture {found.boxes_a_picture:.2f}, expanded {found.expanded_share:.1%} of expressions")
    for (stage, code), count in sorted(found.rejected.items()):
        console.print(f"set aside in {stage}, {code}: {count:,}")
