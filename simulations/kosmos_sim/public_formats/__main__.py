"""`python -m kosmos_sim.public_formats --count 100 --out DIR`: small real benchmarks (`docs/evaluation.md`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.public_formats.spoken import spoken
from kosmos_sim.public_formats.writing import write_public_formats
from kosmos_sim.splits import TEST, VALIDATION
from kosmos_sim.stream import split_records

# In files the validation split is called val, as everywhere.
_SPLITS = {"test": TEST, "val": VALIDATION}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def write(
    out: Annotated[Path, typer.Option(help="new folder")],
    count: Annotated[int, typer.Option(min=1, help="pictures: the first so many of the split")] = 100,
    split: Annotated[str, typer.Option(help="test or val: scenes that no training run may touch")] = "test",
) -> None:
    """Rendered table-tops as RefCOCO, Flickr30k Entities, VQAv2 and COCO captions."""
    if split not in _SPLITS:
        raise typer.BadParameter(f"{split}; valid: {', '.join(_SPLITS)}", param_hint="--split")
    source = _SPLITS[split]
    if count > source.scenes:
        raise typer.BadParameter(f"{count}; the {split} split has {source.scenes}", param_hint="--count")
    records = track(split_records(source, count), description="rendering", total=count)
    try:
        written = write_public_formats(out, split, spoken(source, records))
    except InvalidArgumentError as error:
        raise typer.BadParameter(str(error), param_hint="--out") from error
    typer.echo(f"{out}: {written} pictures")


if __name__ == "__main__":
    app()
