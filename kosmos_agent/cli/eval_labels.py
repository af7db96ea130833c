"""`kosmos-agent eval labels`: our own labelled pictures, or a rendered split, kept, resumed and on Ray."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli import eval_public as public
from kosmos_agent.cli._load import ModelChoice
from kosmos_agent.errors import InvalidArgumentError


class Split(StrEnum):
    """Fixed splits of the rendered table-tops."""

    test = "test"
    validation = "validation"


def labels(
    data: Annotated[
        Path | None, typer.Option(help="a folder of pictures with labels.jsonl", show_default=False)
    ] = None,
    split: Annotated[
        Split | None, typer.Option(help="a rendered split instead, drawn once into --out", show_default=False)
    ] = None,
    model: options.Model = "tabletop",
    out: public.OutFolder = None,
    pictures: public.Pictures = None,
    mistakes: public.Mistakes = 100,
    engine: public.Engines = public.Engine.local,
    workers: public.Workers = None,
    address: public.Address = None,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
) -> None:
    """The figures of `eval tabletop`, picture by picture: resumable, with records, a page of mistakes, and Ray."""
    if (data is None) == (split is None):
        raise InvalidArgumentError("labels needs --data or --split, and takes one of them")
    from kosmos_agent.cli._labels import rendered
    from kosmos_agent.cli._public_jobs import label_job

    how = public.running(out, pictures, mistakes, engine, workers, address)
    if split is not None:
        job = label_job(rendered(split.value, out), split.value)
    elif data is not None:
        job = label_job(data, data.name)
    public.evaluate(job, ModelChoice(model, dtype, device, threads), how, as_json)
