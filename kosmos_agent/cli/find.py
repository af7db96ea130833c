"""`kosmos-agent find`: where is it?"""

from __future__ import annotations

from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, check_text, draw_answer, load_grounder, load_picture
from kosmos_agent.cli._output import check_picture_path, grounding_json, print_grounding, print_json, save_picture


def find(
    image: options.Picture,
    phrase: Annotated[str, typer.Argument(help='what to look for: "the red cup"', show_default=False)],
    every: Annotated[bool, typer.Option("--all", help='all that a plural phrase names: "the cups"')] = False,
    model: options.Model = "tabletop",
    out: options.Out = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
    zoom: options.Zoom = None,
) -> None:
    """Find what a phrase names: boxes with probabilities. "Not found" is an answer too, with exit code 0.

    Of several boxes the first is the likeliest place of one thing; with --all each is a thing of its own.
    """
    check_picture_path(out)
    check_text(phrase)
    picture = load_picture(image)
    view = load_grounder(ModelChoice(model, dtype, device, threads, zoom, runtime=runtime)).view(picture)
    answer = view.find_each(phrase) if every else view.find(phrase)
    if out is not None:
        save_picture(draw_answer(picture, answer), out)
    if as_json:
        print_json(grounding_json(answer))
    else:
        print_grounding(answer)
