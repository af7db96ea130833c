"""Joins labelled pictures, a model and the fit; imported only by the command that calibrates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from kosmos_agent.calibration import (
    CALIBRATION_FILE,
    CHEAP_FEATURES,
    FEATURES,
    SINGLE_LOOK_FEATURES,
    SINGLE_LOOK_FILE,
    Calibration,
    Feature,
)
from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.calibration_fit import Rule, fit_calibration
from kosmos_agent.evaluation.calibration_samples import collect_samples
from kosmos_agent.evaluation.label_folder import load_pictures, read_labels
from kosmos_agent.evaluation.labelled import LabelledPhrase
from kosmos_agent.model.fingerprint import weights_sha256
from kosmos_agent.model.folder import locate
from kosmos_agent.profile import Profile

TABLETOP = "tabletop"


@dataclass(frozen=True)
class Request:
    """What the options say. data: `tabletop`, whose `split` is rendered, or a folder. scenes: of it, None for all."""

    data: str
    split: str
    scenes: int | None
    features: str
    out: Path | None


@dataclass(frozen=True)
class _Pictures:
    """described: for the file. count: how many pictures come."""

    described: str
    count: int
    pictures: Iterator[tuple[NDArray[np.uint8], Sequence[LabelledPhrase]]]


def fit_and_write(choice: ModelChoice, request: Request, rule: Rule) -> tuple[Path, Calibration]:
    """Asks every phrase, fits, writes; the file and what is in it. The model's present calibration plays no part."""
    folder = locate(choice.model)
    grounder = load_grounder(choice, calibrated=False)
    once = grounder.profile.single_look and not Profile.read(folder).single_look
    out = request.out or folder / (SINGLE_LOOK_FILE if once else CALIBRATION_FILE)
    if not out.parent.is_dir():
        raise InvalidArgumentError(f"--out {out}: the folder {out.parent} does not exist")
    data = _pictures(request)
    features = chosen_features(request.features, both_ways=grounder.profile.both_ways, once=once)
    seen = track(data.pictures, description="pictures", total=data.count, console=Console(stderr=True))
    samples = collect_samples(grounder, seen, features)
    calibration = fit_calibration(
        samples, weights_sha256=weights_sha256(folder), data=data.described, features=features, rule=rule
    )
    calibration.write(out)
    return out, calibration


def chosen_features(words: str, *, both_ways: bool = False, once: bool = False) -> tuple[Feature, ...]:
    """`cheap`, `all`, or names joined by commas. InvalidArgumentError lists the valid ones.

    both_ways: the mirror image is read for every answer, so its agreement is cheap as well. once: a model that looks
    more than once is told not to, so that second looks tell nothing.
    """
    if words == "cheap" and once:
        return SINGLE_LOOK_FEATURES
    if words == "cheap":
        return (*CHEAP_FEATURES, "mirror_iou") if both_ways else CHEAP_FEATURES
    if words == "all":
        return FEATURES
    names = {word.strip() for word in words.split(",")}
    unknown = sorted(names - set(FEATURES))
    if unknown:
        raise InvalidArgumentError(f"unknown feature {unknown[0]!r}; valid: cheap, all, {', '.join(FEATURES)}")
    return tuple(name for name in FEATURES if name in names)


def _pictures(request: Request) -> _Pictures:
    if request.data == TABLETOP:
        return _rendered(request)
    folder = Path(request.data)
    labels = read_labels(folder)[: request.scenes]
    asked = ((picture.rgb, picture.labels.phrases) for picture in load_pictures(folder, labels))
    return _Pictures(folder.resolve().name, len(labels), asked)


def _rendered(request: Request) -> _Pictures:
    """More scenes than the split has are drawn from the same seed, which no training run and no test may use."""
    with needs("sim"):
        from kosmos_sim.labelled import labelled_split
        from kosmos_sim.splits import VALIDATION
        from kosmos_sim.stream import split_records

    count = request.scenes or VALIDATION.scenes
    split = replace(VALIDATION, scenes=max(count, VALIDATION.scenes))
    described = f"{TABLETOP}, {request.split} split, seed {split.seed}, {count} scenes"
    asked = ((picture.rgb, picture.labels.phrases) for picture in labelled_split(split, split_records(split, count)))
    return _Pictures(described, count, asked)
