"""`kosmos-agent grit`: pictures with captions into grounded pairs, and a look at what came out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, needs
from kosmos_agent.cli._output import print_json
from kosmos_agent.errors import InvalidArgumentError

app = typer.Typer(help="Grounded image-text pairs (GrIT): build, show, count, read.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="a folder of GrIT files", show_default=False)]
Pictures = Annotated[Path | None, typer.Option(help="folder of the pictures, if elsewhere", show_default=False)]


class EngineName(StrEnum):
    """Where the stages run."""

    single = "single"
    ray = "ray"


class Contained(StrEnum):
    """Whether `ref_exps` holds spans that lie in another one."""

    keep = "keep"
    drop = "drop"


class Spans(StrEnum):
    """Which spans are linked."""

    expression = "expression"
    chunk = "chunk"


@app.callback()
def root() -> None:
    """Grounded image-text pairs."""


@app.command()
def build(
    pairs: Annotated[Path, typer.Option(help="tar files or folders of KEY.jpg, KEY.txt, KEY.json (img2dataset)")],
    out: Annotated[Path, typer.Option(help="folder for the parquet files; resumed where it is half done")],
    parser: Annotated[str, typer.Option(help="a spaCy pipeline, or tabletop: the simulation's grammar")] = (
        "en_core_web_sm"
    ),
    detector: Annotated[
        str, typer.Option(help="a Grounder model, or a local folder with a zero-shot detector of transformers")
    ] = "tabletop",
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="boxes must be surer than this")] = 0.65,
    max_iou: Annotated[float, typer.Option(min=0.0, max=1.0, help="overlap at which the less sure box goes")] = 0.5,
    contained: Annotated[
        Contained, typer.Option(help="expressions inside another: kept in the files, as released, or dropped")
    ] = Contained.keep,
    shard_samples: Annotated[int, typer.Option(min=1, help="pairs of a folder in one shard")] = 10_000,
    engine: Annotated[EngineName, typer.Option(help="this process, or Ray Data")] = EngineName.single,
    address: Annotated[
        str | None, typer.Option(help="of a Ray cluster; without it, a local one", show_default=False)
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Ray: processes with a detector")] = 1,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each detector")] = 1,
    zoom: options.Zoom = None,
) -> None:
    """Noun chunks, boxes, referring expressions: the recipe of the paper, section 2."""
    with needs("grit"):
        from kosmos_agent.cli._grit import BuildChoice, build_grit, print_tally
        from kosmos_agent.grit.recipe import Recipe

    recipe = Recipe(min_score, max_iou, contained.value)
    model = ModelChoice(detector, dtype, device, threads, zoom)
    ray = _cluster(engine, address, workers)
    report = build_grit(BuildChoice(pairs, out, parser, model, recipe, shard_samples, ray))
    if as_json:
        print_json(report)
    else:
        print_tally(report)


def _cluster(engine: EngineName, address: str | None, workers: int) -> tuple[str | None, int] | None:
    """InvalidArgumentError for an option of Ray where one process would not heed it."""
    if engine == EngineName.ray:
        return address, workers
    if address is not None:
        raise InvalidArgumentError(f"--address {address} is a Ray cluster's; valid with --engine ray")
    if workers != 1:
        raise InvalidArgumentError(f"--workers {workers} are Ray's; valid with --engine ray")
    return None


@app.command()
def stats(folder: Folder, as_json: options.Json = False) -> None:
    """Images, objects, text spans, mean length of an expression beside the paper's Table 1; and what was set aside."""
    with needs("grit"):
        from kosmos_agent.cli._grit import print_statistics
        from kosmos_agent.grit.statistics import statistics

    found = statistics(folder)
    if as_json:
        print_json(found.summary())
    else:
        print_statistics(found)


@app.command()
def show(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="the page to write")],
    count: Annotated[int, typer.Option(min=1, max=1_000, help="samples, spread over the folder")] = 50,
    pictures: Pictures = None,
    spans: Annotated[Spans, typer.Option(help="which spans are linked")] = Spans.expression,
    size: Annotated[int, typer.Option(min=64, max=1_024, help="longer side of a picture on the page, pixels")] = 320,
) -> None:
    """A page of samples with their boxes, in one file."""
    with needs("grit"):
        from kosmos_agent.grit.browser import write_page

    written = write_page(folder, out, pictures=pictures, spans=spans.value, count=count, size_px=size)
    typer.echo(f"{out}: {written} samples")


@app.command()
def read(
    folder: Folder,
    pictures: Pictures = None,
    model: Annotated[str, typer.Option("--model", "-m", help="whose tokenizer: a name, a folder, a hub id")] = (
        "tabletop"
    ),
    count: Annotated[int, typer.Option(min=1, help="pairs to print")] = 5,
    spans: Annotated[Spans, typer.Option(help="which spans are linked")] = Spans.expression,
    as_json: options.Json = False,
) -> None:
    """What training reads: each pair's tokens behind the picture, its boxes mapped into the crop."""
    with needs("grit"):
        from kosmos_agent.cli._grit import read_pairs

    for row in read_pairs(folder, pictures, model, spans.value, count):
        if as_json:
            print_json(row)
        else:
            typer.echo(f"{row['key']}  {row['tokens']} tokens\n  {row['text']}")
