"""How far two ways of computing the same model agree in what they answer (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kosmos_agent.evaluation.matching import HIT_IOU
from kosmos_agent.results import Box, GroundedText, Grounding


@dataclass(frozen=True)
class Difference:
    """Of two answers to one phrase. iou: of their best boxes. right: whether each has the true box, where one is."""

    phrase: str
    statuses: tuple[str, str]
    iou: float
    probability: float
    presence: float
    right: tuple[bool, bool] | None

    @classmethod
    def of(cls, reference: Grounding, other: Grounding, true: Sequence[Box]) -> Difference:
        """true: the boxes that the phrase names; of several, any is right."""
        best = reference.best, other.best
        hits = tuple(max((box.iou(item.box) for box in true), default=0.0) >= HIT_IOU for item in best)
        return cls(
            reference.phrase,
            (reference.status, other.status),
            best[0].box.iou(best[1].box),
            abs(best[0].probability - best[1].probability),
            abs(reference.presence - other.presence),
            (hits[0], hits[1]) if true else None,
        )


@dataclass
class Agreement:
    """Over many pictures."""

    differences: list[Difference] = field(default_factory=list)
    texts: int = 0
    same_texts: int = 0

    def add(self, reference: Grounding, other: Grounding, true: Sequence[Box]) -> None:
        self.differences.append(Difference.of(reference, other, true))

    def add_texts(self, reference: GroundedText, other: GroundedText) -> None:
        self.texts += 1
        self.same_texts += reference.text == other.text

    def summary(self) -> dict[str, float | int | None]:
        """Shares of equal answers, what changed, and the accuracy of both; None where nothing was asked.

        Maxima are over all phrases: an answer between two things of equal weight may change its box altogether.
        """
        count = len(self.differences)
        if not count:
            return {"phrases": 0, "texts": self.texts, "same_text": self._same_text}
        ious, probabilities, presences = (
            np.array([getattr(item, name) for item in self.differences]) for name in ("iou", "probability", "presence")
        )
        right = np.array([item.right for item in self.differences if item.right is not None]).reshape(-1, 2)
        accuracy = [float(value) for value in right.mean(axis=0)] if len(right) else [None, None]
        return {
            "phrases": count,
            "same_status": float(np.mean([first == second for first, second in self._statuses])),
            "same_box": float((ious >= 0.9).mean()),
            "mean_box_iou": float(ious.mean()),
            "min_box_iou": float(ious.min()),
            "mean_probability_difference": float(probabilities.mean()),
            "max_probability_difference": float(probabilities.max()),
            "mean_presence_difference": float(presences.mean()),
            "max_presence_difference": float(presences.max()),
            "accuracy_reference": accuracy[0],
            "accuracy": accuracy[1],
            "texts": self.texts,
            "same_text": self._same_text,
        }

    @property
    def changed_status(self) -> list[Difference]:
        return [item for item in self.differences if item.statuses[0] != item.statuses[1]]

    @property
    def _statuses(self) -> list[tuple[str, str]]:
        return [item.statuses for item in self.differences]

    @property
    def _same_text(self) -> float | None:
        return self.same_texts / self.texts if self.texts else None
