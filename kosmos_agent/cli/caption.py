"""`kosmos-agent caption`, `answer` and `describe`: words about a picture, linked to boxes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, check_text, draw_text, load_grounder, load_picture, make_box
from kosmos_agent.cli._output import check_picture_path, print_json, save_picture, text_json

if TYPE_CHECKING:
    from PIL import Image

    from kosmos_agent.results import GroundedText

Corner = Annotated[float, typer.Argument(min=0.0, max=1.0, help="in parts of the picture", show_default=False)]


def caption(
    image: options.Picture,
    style: Annotated[Literal["brief", "detailed"], typer.Option(help="how much to say")] = "brief",
    model: options.Model = "tabletop",
    out: options.Out = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Say what is in a picture. Each thing named is a markdown link to its boxes."""
    check_picture_path(out)
    picture = load_picture(image)
    text = load_grounder(ModelChoice(model, dtype, device, threads, runtime=runtime)).view(picture).caption(style)
    _give(picture, text, out, as_json)


def answer(
    image: options.Picture,
    question: Annotated[str, typer.Argument(help="what to answer", show_default=False)],
    model: options.Model = "tabletop",
    out: options.Out = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Answer a question about a picture, with links like `caption`."""
    check_picture_path(out)
    check_text(question)
    picture = load_picture(image)
    text = load_grounder(ModelChoice(model, dtype, device, threads, runtime=runtime)).view(picture).answer(question)
    _give(picture, text, out, as_json)


def describe(
    image: options.Picture,
    x1: Corner,
    y1: Corner,
    x2: Corner,
    y2: Corner,
    model: options.Model = "tabletop",
    out: options.Out = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Say what is in a box: X1 Y1 X2 Y2 in parts of the picture, from its top left."""
    check_picture_path(out)
    box = make_box(x1, y1, x2, y2)
    picture = load_picture(image)
    text = load_grounder(ModelChoice(model, dtype, device, threads, runtime=runtime)).view(picture).describe(box)
    _give(picture, text, out, as_json)


def _give(picture: Image.Image, text: GroundedText, out: Path | None, as_json: bool) -> None:
    if out is not None:
        save_picture(draw_text(picture, text), out)
    if as_json:
        print_json(text_json(text))
    else:
        typer.echo(text.markdown)
