"""Runs a `Grounder` over labelled pictures, through the same calls that users make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.evaluation.asking.labels import LabelAnswers, LabelRecord, answers_to
from kosmos_agent.evaluation.grounding import GroundingReport
from kosmos_agent.evaluation.labelled import LabelledPicture, PictureLabels
from kosmos_agent.evaluation.mistakes import WorstMistakes
from kosmos_agent.evaluation.texts import TextReport
from kosmos_agent.grounder import Grounder


@dataclass
class Evaluation:
    """All that is known of a model after some pictures."""

    grounding: GroundingReport = field(default_factory=GroundingReport)
    texts: TextReport = field(default_factory=TextReport)
    mistakes: WorstMistakes = field(default_factory=WorstMistakes)
    pictures: int = 0

    def add(self, labels: PictureLabels, answers: LabelAnswers, rgb: NDArray[np.uint8] | None = None) -> None:
        """rgb: (H, W, 3) uint8, kept where an answer is among the worst mistakes; without it none is kept."""
        self.pictures += 1
        for phrase, found in zip(labels.phrases, answers.phrases, strict=True):
            self.grounding.add(phrase, found)
            if rgb is not None:
                self.mistakes.add(rgb, phrase, found)
        for phrase, found in zip(labels.ambiguous, answers.ambiguous, strict=True):
            self.grounding.add_ambiguous(phrase, found)
        for region, text in zip(labels.regions, answers.regions, strict=True):
            self.texts.add_description(region, text)
        if answers.caption is not None:
            self.texts.add_caption(labels.things, answers.caption)
        for question, text in zip(labels.questions, answers.questions, strict=True):
            self.texts.add_answer(question, text)

    def summary(self) -> dict[str, object]:
        return {**self.grounding.summary(), **self.texts.summary(), "pictures": self.pictures}


def evaluate(grounder: Grounder, pictures: Iterable[LabelledPicture]) -> Evaluation:
    """One view for each picture; what a picture has no labels for is not asked."""
    evaluation = Evaluation()
    for picture in pictures:
        evaluation.add(picture.labels, answers_to(grounder.view(picture.rgb), picture.labels), picture.rgb)
    return evaluation


def evaluation_of(records: Iterable[LabelRecord]) -> Evaluation:
    """Of answers that were given before; no mistakes are kept, as the pictures are elsewhere."""
    evaluation = Evaluation()
    for record in records:
        evaluation.add(record.labels, record.answers)
    return evaluation
