"""What is counted of answers to phrases; every figure is defined in `docs/evaluation.md`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kosmos_agent.evaluation.calibration_scores import ece
from kosmos_agent.evaluation.labelled import LabelledPhrase
from kosmos_agent.evaluation.matching import HIT_IOU, Counts, set_counts
from kosmos_agent.evaluation.presence import status_rate
from kosmos_agent.evaluation.referring import ReferringResult, auroc, figures, summarise
from kosmos_agent.results import Grounding, Status


@dataclass
class GroundingReport:
    """Answers so far.

    results, found: phrases with one referent, and those of them that were answered `found`. present, absent: presence
    probabilities. present_statuses: of phrases with one referent; absent_statuses: of things that are not there.
    ambiguous_statuses, choices: of phrases for one thing that several fit, and the boxes offered with a question.
    probabilities, outcomes: of the best candidate for one thing, there or not, and whether it was right.
    """

    results: list[ReferringResult] = field(default_factory=list)
    found: list[ReferringResult] = field(default_factory=list)
    present: list[float] = field(default_factory=list)
    absent: list[float] = field(default_factory=list)
    present_statuses: list[Status] = field(default_factory=list)
    absent_statuses: list[Status] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    outcomes: list[bool] = field(default_factory=list)
    plural: Counts = field(default_factory=Counts)
    plural_phrases: int = 0
    ambiguous_statuses: list[Status] = field(default_factory=list)
    choices: Counts = field(default_factory=Counts)

    def add(self, phrase: LabelledPhrase, answer: Grounding) -> None:
        """Boxes count whatever the status; a plural phrase's answer holds all that it names (`View.find_each`)."""
        (self.present if phrase.boxes else self.absent).append(answer.presence)
        if len(phrase.boxes) > 1:
            self.plural += set_counts([item.box for item in answer.candidates], phrase.boxes)
            self.plural_phrases += 1
            return
        iou = max((answer.best.box.iou(box) for box in phrase.boxes), default=0.0) if answer.candidates else 0.0
        if answer.candidates:
            self.probabilities.append(answer.best.probability)
            self.outcomes.append(iou >= HIT_IOU)
        if not phrase.boxes:
            self.absent_statuses.append(answer.status)
            return
        self.present_statuses.append(answer.status)
        self.results.append(ReferringResult(phrase.kind, phrase.boxes[0].side, iou))
        if answer.status == "found":
            self.found.append(self.results[-1])

    def add_ambiguous(self, phrase: LabelledPhrase, answer: Grounding) -> None:
        """The phrase names one thing and all its boxes fit it: the right answer is `ambiguous`, with all of them."""
        self.ambiguous_statuses.append(answer.status)
        if answer.status == "ambiguous":
            self.choices += set_counts([item.box for item in answer.candidates], phrase.boxes)

    def summary(self) -> dict[str, object]:
        """`referring.summarise` of the best boxes; `found`: the same figures where the status said found.

        None stands for a figure that nothing was asked for.
        """
        return {
            **summarise(self.results),
            "found": figures(self.found),
            "presence_auroc": auroc(self.present, self.absent),
            "n_present": len(self.present),
            "n_absent": len(self.absent),
            "false_found_rate": status_rate(self.absent_statuses, "found"),
            "missed_rate": status_rate(self.present_statuses, "not_found"),
            "statuses": {"present": Counter(self.present_statuses), "absent": Counter(self.absent_statuses)},
            "asked_rate": status_rate(self.ambiguous_statuses, "ambiguous"),
            "n_ambiguous": len(self.ambiguous_statuses),
            "needlessly_asked_rate": status_rate(self.present_statuses, "ambiguous"),
            "n_asked": self.ambiguous_statuses.count("ambiguous"),
            "choices_f1": self.choices.f1,
            "ece": ece(self.probabilities, self.outcomes) if self.probabilities else None,
            "n_probabilities": len(self.probabilities),
            "plural_f1": self.plural.f1,
            "n_plural": self.plural_phrases,
        }
