"""Fine-tuning a model on a user's boxes: held-out pictures scored before and after through the public face."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from kosmos_agent.evaluation.labelled import MAX_BOXES, MAX_PHRASES, LabelledPhrase, LabelledPicture, PictureLabels
from kosmos_agent.evaluation.run import evaluate
from kosmos_agent.grounder import Grounder
from kosmos_agent.images import load_image
from kosmos_agent.model.checkpoint import load_tokenizer
from kosmos_agent.profile import Profile
from kosmos_agent.results import Box
from kosmos_agent.training.held_out import Split, check_split, record_split
from kosmos_agent.training.labels.labelled import BoxedPicture
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.scale.run import Run
from kosmos_agent.training.sources.boxes import BoxedPictures

_FIGURES = ("n", "accuracy_iou50", "mean_iou", "presence_auroc", "n_present", "n_absent")


def finetune(recipe: Recipe, pictures: Split, out: Path, console: Console) -> dict[str, Any] | None:
    """Trains, and writes the merged model into `out`, its run into out/training.

    The figures of the held-out pictures before and after; None on processes that do not lead, and where the run was
    interrupted: the same call goes on.
    """
    data, folder = recipe.data[0], out / "training"
    check_split(pictures, folder)
    run = Run(
        recipe,
        lambda context: {data.title: BoxedPictures(pictures.trained, context, data.title, absent=data.absent)},
        folder,
        model=out,
    )
    judge = Judge(pictures, str(run.accelerator.device), recipe.compute.precision)
    before: dict[str, Any] = {}
    if run.leads:
        record_split(pictures, folder)
        console.print(
            f"{len(pictures.trained)} pictures to train on, {len(pictures.held_out)} held out"
            + (" by the export's own split" if pictures.own else "")
        )
        before = judge.figures(str(recipe.model.start))
    if not run.train() or not run.leads:
        return None
    record_words(out, (name for picture in pictures.trained for name in picture.names))
    return {
        "trained_on": len(pictures.trained),
        "rejected": run.rejects.count(),
        "held_out": {"before": before, "after": judge.figures(str(out))},
    }


def record_words(folder: Path, names: Iterable[str]) -> None:
    """Into the profile of the model that learnt them: what its tokenizer spells is known all the same.

    No second opinion any more: learning boxes, it may have unlearnt to describe them.
    """
    profile, tokenizer = Profile.read(folder), load_tokenizer(folder)
    spelled = {word.lower() for name in names for word in tokenizer.spelled(name)}
    words = tuple(sorted(spelled.union(profile.taught_words)))
    replace(profile, taught_words=words, second_opinion=False).write(folder)


@dataclass(frozen=True)
class Judge:
    """Asks models through the public face, on the device and in the number type that training computes in."""

    pictures: Split
    device: str = "cpu"
    precision: str = "float32"

    def figures(self, model: str) -> dict[str, Any]:
        """Every name of the data asked for on every held-out picture, there or not; {} where none is held out."""
        held_out = self.pictures.held_out
        if not held_out:
            return {}
        every = (*self.pictures.trained, *held_out)
        names = sorted({name for picture in every for name in picture.names})
        grounder = Grounder.load(model, calibrated=False, device=self.device, dtype=self.precision)
        summary = evaluate(grounder, labelled(held_out, names)).summary()
        return {name: summary.get(name) for name in _FIGURES}


def labelled(pictures: Sequence[BoxedPicture], names: Sequence[str]) -> Iterator[LabelledPicture]:
    """All names on each picture, `MAX_PHRASES` at a time. Whether a crowd's name is right, its boxes do not say."""
    for picture in pictures:
        rgb = np.asarray(load_image(picture.path).convert("RGB"))
        asked = [name for name in names if name not in picture.crowds]
        for start in range(0, len(asked), MAX_PHRASES):
            phrases = (LabelledPhrase(name, "label", _boxes(picture, name)) for name in asked[start:][:MAX_PHRASES])
            yield LabelledPicture(rgb, PictureLabels(image=picture.path.name, phrases=tuple(phrases)))


def _boxes(picture: BoxedPicture, name: str) -> tuple[Box, ...]:
    """Of several boxes only that there are several enters the figures."""
    found = picture.boxes_of(name)[:MAX_BOXES]
    return tuple(Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in found)
