"""`kosmos-agent calibrate`: what are a model's numbers worth?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.cli import _options as options
from kosmos_agent.cli._load import ModelChoice, needs
from kosmos_agent.cli._output import print_calibration, print_json


class CalibrationSplit(StrEnum):
    """The split of the rendered table-tops that may be fitted on; the test split is for judging alone."""

    validation = "validation"


def calibrate(
    model: options.Model = "tabletop",
    data: Annotated[str, typer.Option("--data", "-d", help="tabletop, or a folder with labels.jsonl")] = "tabletop",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="file to write, if not the model's own", show_default=False)
    ] = None,
    split: Annotated[CalibrationSplit, typer.Option(help="of tabletop")] = CalibrationSplit.validation,
    scenes: Annotated[
        int | None, typer.Option(min=5, help="pictures; of tabletop, also more than it has", show_default=False)
    ] = None,
    features: Annotated[str, typer.Option(help="cheap, all, or names with commas between")] = "cheap",
    max_false_found: Annotated[float, typer.Option(min=0.0, max=0.99, help="share of absent things found")] = 0.02,
    max_missed: Annotated[float, typer.Option(min=0.0, max=0.99, help="share of present things not found")] = 0.02,
    min_probability: Annotated[float, typer.Option(min=0.0, max=0.99, help="of a box that is found")] = 0.5,
    single_look: options.SingleLook = False,
    as_json: options.Json = False,
    dtype: options.Dtype = "auto",
    device: options.Device = "cpu",
    threads: options.Threads = None,
    runtime: options.Runtime = "torch",
) -> None:
    """Fit a model's probabilities and its "not found" to labelled pictures; writes calibration.json.

    --single-look writes calibration-single-look.json, for a model that is told to look once.
    """
    with needs("calibrate"):
        from kosmos_agent.cli._calibrate import Request, fit_and_write
        from kosmos_agent.evaluation.calibration_fit import Rule

    rule = Rule(max_false_found=max_false_found, max_missed=max_missed, min_probability=min_probability)
    request = Request(data, split.value, scenes, features, out)
    choice = ModelChoice(model, dtype, device, threads, runtime=runtime).looking_once(single_look)
    written, calibration = fit_and_write(choice, request, rule)
    if as_json:
        print_json({"file": str(written), **calibration.model_dump(mode="json", exclude={"presence", "correctness"})})
    else:
        print_calibration(written, calibration)
