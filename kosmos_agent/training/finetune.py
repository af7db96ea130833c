"""Fine-tuning a model on a user's boxes: held-out pictures scored before and after through the public face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.labelled import MAX_PHRASES, LabelledPhrase, LabelledPicture, PictureLabels
from kosmos_agent.evaluation.run import evaluate
from kosmos_agent.grounder import Grounder
from kosmos_agent.images import load_image
from kosmos_agent.results import Box
from kosmos_agent.training.labels.labelled import BoxedPicture
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.scale.run import Run
from kosmos_agent.training.sources.boxes import BoxedPictures
from kosmos_agent.training.sources.source import shuffled

_FIGURES = ("n", "accuracy_iou50", "mean_iou", "presence_auroc", "n_present", "n_absent")


@dataclass(frozen=True)
class Split:
    """Pictures that are trained on, and pictures that only judge."""

    trained: tuple[BoxedPicture, ...]
    held_out: tuple[BoxedPicture, ...]


def split(pictures: Sequence[BoxedPicture], share: float, seed: int) -> Split:
    """`share` of the pictures is held out, chosen by the seed; none for a share of 0."""
    count = round(share * len(pictures))
    if not 0 <= share < 1 or count >= len(pictures):
        raise InvalidArgumentError(f"{share} of {len(pictures)} pictures held out leaves none; valid: 0 to below 1")
    order = [pictures[shuffled(place, len(pictures), seed)] for place in range(len(pictures))]
    return Split(tuple(order[count:]), tuple(order[:count]))


def finetune(recipe: Recipe, pictures: Split, out: Path, console: Console) -> dict[str, Any] | None:
    """Trains, and writes the merged model into `out`, its run into out/training.

    The figures of the held-out pictures before and after; None on processes that do not lead, and where the run was
    interrupted: the same call goes on.
    """
    title = recipe.data[0].title
    run = Run(recipe, lambda context: {title: BoxedPictures(pictures.trained, context)}, out / "training", model=out)
    before: dict[str, Any] = {}
    if run.leads:
        console.print(f"{len(pictures.trained)} pictures to train on, {len(pictures.held_out)} held out")
        before = judge(str(recipe.model.start), pictures)
    if not run.train() or not run.leads:
        return None
    return {"trained_on": len(pictures.trained), "held_out": {"before": before, "after": judge(str(out), pictures)}}


def judge(model: str, pictures: Split) -> dict[str, Any]:
    """Every name of the data asked for on every held-out picture, there or not; {} where none is held out."""
    if not pictures.held_out:
        return {}
    names = sorted({name for picture in (*pictures.trained, *pictures.held_out) for name in picture.names})
    grounder = Grounder.load(model, calibrated=False)
    summary = evaluate(grounder, _labelled(pictures.held_out, names[:MAX_PHRASES])).summary()
    return {name: summary.get(name) for name in _FIGURES}


def _labelled(pictures: Sequence[BoxedPicture], names: Sequence[str]) -> Iterator[LabelledPicture]:
    for picture in pictures:
        phrases = (LabelledPhrase(name, "label", _boxes(picture, name)) for name in names)
        labels = PictureLabels(image=picture.path.name, phrases=tuple(phrases))
        yield LabelledPicture(np.asarray(load_image(picture.path).convert("RGB")), labels)


def _boxes(picture: BoxedPicture, name: str) -> tuple[Box, ...]:
    return tuple(Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in picture.boxes_of(name))
