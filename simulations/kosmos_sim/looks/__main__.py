"""`python -m kosmos_sim.looks build mitsuba --out DIR`, and a contact sheet of both looks (`docs/looks.md`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kosmos_sim.looks.building import build_look
from kosmos_sim.looks.pairs import pair_sheet
from kosmos_sim.looks.renderers import Look, open_renderer, split_of_look

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def build(
    look: Annotated[Look, typer.Argument(help="Which look.")],
    out: Annotated[Path, typer.Option(help="Folder for pictures and labels.")],
    count: Annotated[int | None, typer.Option(help="Only the first so many scenes.", min=1)] = None,
) -> None:
    """Draw the pictures that are missing, then write the labels; may be stopped and run again."""
    split = split_of_look(look)
    columns = (TextColumn("drawing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("drawing", total=min(count or split.scenes, split.scenes))
        build_look(open_renderer(look), split, out, count, lambda: progress.advance(bar))


@app.command()
def sheet(
    mitsuba: Annotated[Path, typer.Option(help="Folder of that look.")],
    other: Annotated[Path, typer.Option(help="Folder of that look.")],
    out: Annotated[Path, typer.Option(help="The picture to write, a JPEG.")],
    every: Annotated[int, typer.Option(help="Every so manieth scene.", min=1)] = 17,
    pairs: Annotated[int, typer.Option(help="Scenes of each look, an even number.", min=2)] = 6,
) -> None:
    """Scenes of both looks, each beside MuJoCo's own picture of it."""
    indices = range(0, every * pairs, every)
    rows = pair_sheet(split_of_look(Look.MITSUBA), mitsuba, indices)
    rows += pair_sheet(split_of_look(Look.OTHER), other, indices)
    cv2.imwrite(str(out), cv2.vconcat(rows), [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    app()
