"""What a calibration is fitted on: a model's evidence for labelled phrases, and what was true."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.calibration import CHEAP_FEATURES, Feature, Features
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.labelled import LabelledPhrase
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.candidates import Decision, joint_with_presence
from kosmos_agent.inference.evidence import Evidence
from kosmos_agent.view import View

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
    """One view per picture. What is right is judged on the boxes of the evidence, second looks among them; what is
    asked about an answer afterwards (`asked_again`, `nearest`) is not in it.

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
    evidence = view.evidence([phrase.text for phrase in phrases], features)
    return [
        _sample(number, phrase, item, view.grounder.decision) for phrase, item in zip(phrases, evidence, strict=True)
    ]


def _sample(number: int, phrase: LabelledPhrase, evidence: Evidence, decision: Decision) -> Sample:
    best = joint_with_presence(evidence.candidates, evidence.presence, decision)[0]
    return Sample(
        picture=number,
        features=evidence.features,
        presence=evidence.presence,
        probability=best.probability,
        present=bool(phrase.boxes),
        correct=any(best.box.iou(box) >= RIGHT_IOU for box in phrase.boxes),
    )
