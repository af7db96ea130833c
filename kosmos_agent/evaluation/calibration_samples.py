"""What a calibration is fitted on: a model's evidence for labelled phrases, and what was true."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.calibration import CHEAP_FEATURES, Feature, Features
from kosmos_agent.evaluation.grounding import LabelledPhrase
from kosmos_agent.grounder import Grounder

RIGHT_IOU = 0.5

LabelledPictures = Iterable[tuple[NDArray[np.uint8], Sequence[LabelledPhrase]]]
"""Pictures, (H, W, 3) uint8, each with its phrases."""


@dataclass(frozen=True)
class Sample:
    """One phrase asked of picture number `picture`.

    object_probability, joint_probability: the model's own, of `<object>` and of the best box with it.
    present: the phrase names something. correct: the best box overlaps one that it names by `RIGHT_IOU` or more.
    """

    picture: int
    features: Features
    object_probability: float
    joint_probability: float
    present: bool
    correct: bool


def collect_samples(
    grounder: Grounder, pictures: LabelledPictures, features: Collection[Feature] = CHEAP_FEATURES
) -> list[Sample]:
    """One view per picture, all its phrases in one pass, whatever calibration the grounder has."""
    samples: list[Sample] = []
    for number, (rgb, phrases) in enumerate(pictures):
        if not phrases:
            continue
        evidence = grounder.view(rgb).evidence([phrase.text for phrase in phrases], features)
        for phrase, item in zip(phrases, evidence, strict=True):
            best = item.candidates[0]
            samples.append(
                Sample(
                    picture=number,
                    features=item.features,
                    object_probability=item.presence,
                    joint_probability=item.presence * best.probability,
                    present=bool(phrase.boxes),
                    correct=any(best.box.iou(box) >= RIGHT_IOU for box in phrase.boxes),
                )
            )
    return samples
