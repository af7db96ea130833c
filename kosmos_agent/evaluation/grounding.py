"""Runs a `Grounder` over labelled pictures, through the same calls that users make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.evaluation.referring import ReferringResult, auroc, figures, summarise
from kosmos_agent.grounder import Grounder
from kosmos_agent.results import Box, Grounding


@dataclass(frozen=True)
class LabelledPhrase:
    """A phrase, its kind, and the boxes that it names: one, several (plural), or none (absent)."""

    text: str
    kind: str
    boxes: tuple[Box, ...]


@dataclass
class GroundingReport:
    """Answers so far."""

    results: list[ReferringResult] = field(default_factory=list)
    present: list[float] = field(default_factory=list)
    absent: list[float] = field(default_factory=list)
    found: list[ReferringResult] = field(default_factory=list)

    def add(self, phrase: LabelledPhrase, answer: Grounding) -> None:
        """Phrases with one referent count for accuracy, whatever the status; all count for presence."""
        (self.present if phrase.boxes else self.absent).append(answer.presence)
        if len(phrase.boxes) == 1:
            (box,) = phrase.boxes
            iou = answer.best.box.iou(box) if answer.candidates else 0.0
            self.results.append(ReferringResult(phrase.kind, box.side, iou))
            if answer.status == "found":
                self.found.append(self.results[-1])

    def summary(self) -> dict[str, object]:
        """`referring.summarise` of the best boxes; `found`: the same figures where the status said found.

        `presence_auroc`, and how many phrases it rests on.
        """
        return {
            **summarise(self.results),
            "found": figures(self.found),
            "presence_auroc": auroc(self.present, self.absent),
            "n_present": len(self.present),
            "n_absent": len(self.absent),
        }


def evaluate_grounding(
    grounder: Grounder, pictures: Iterable[tuple[NDArray[np.uint8], Sequence[LabelledPhrase]]]
) -> GroundingReport:
    """One view per picture, all its phrases in one pass. Pictures: (H, W, 3) uint8."""
    report = GroundingReport()
    for rgb, phrases in pictures:
        if not phrases:
            continue
        answers = grounder.view(rgb).find_all([phrase.text for phrase in phrases])
        for phrase, answer in zip(phrases, answers, strict=True):
            report.add(phrase, answer)
    return report
