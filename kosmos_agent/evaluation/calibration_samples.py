"""What a calibration is fitted on: a model's evidence for labelled phrases, and what was true."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.calibration import CHEAP_FEATURES, Feature, Features
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.labelled import LabelledPhrase
from kosmos_agent.grounder import Grounder, View

RIGHT_IOU = 0.5

LabelledPictures = Iterable[tuple[NDArray[np.uint8], Sequence[LabelledPhrase]]]
"""Pictures, (H, W, 3) uint8, each with its phrases."""


@dataclass(frozen=True)
class Sample:
    """One phrase asked of picture number `picture`.

    presence, probability: the model's own, of `<object>` and of the best box. present: the phrase names something.
    correct: the best box of the answer overlaps one that it names by `RIGHT_IOU` or more.
    """

    picture: int
    features: Features
    presence: float
    probability: float
    present: bool
    correct: bool


def collect_samples(
    grounder: Grounder, pictures: LabelledPictures, features: Collection[Feature] = CHEAP_FEATURES
) -> list[Sample]:
    """One view per picture. What is right is judged on the boxes that users get: those of `View.find_all`.

    InvalidArgumentError for a grounder that applies a calibration.
    """
    if grounder.calibration is not None:
        raise InvalidArgumentError(f"{grounder.name} is calibrated already; valid: loaded with calibrated=False")
    samples: list[Sample] = []
    for number, (rgb, phrases) in enumerate(pictures):
        if phrases:
            samples += _ask(grounder.view(rgb), number, phrases, features)
    return samples


def _ask(view: View, number: int, phrases: Sequence[LabelledPhrase], features: Collection[Feature]) -> list[Sample]:
    texts = [phrase.text for phrase in phrases]
    return [
        Sample(
            picture=number,
            features=evidence.features,
            presence=answer.presence,
            probability=answer.best.probability,
            present=bool(phrase.boxes),
            correct=any(answer.best.box.iou(box) >= RIGHT_IOU for box in phrase.boxes),
        )
        for phrase, evidence, answer in zip(phrases, view.evidence(texts, features), view.find_all(texts), strict=True)
    ]
