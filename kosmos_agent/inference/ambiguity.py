"""A phrase for one thing that more than one fits: `the cup`, where two cups stand.

Trained on phrases for one thing, a model chooses one of two with all its weight as often as not. Behind the plural it
writes both; asked what lies in each box, it says which of them the phrase fits. Both lines were chosen on validation
scenes (docs/training-log.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from kosmos_agent.clarify import clarifying_question
from kosmos_agent.results import Box, Candidate, Grounding

WRITTEN_FROM = 0.3
"""Probability of a written box; below it, it is not asked about."""
BORNE_OUT_FROM = -0.5
"""Log-probability of the phrase's words for what lies in the box: it fits the phrase from here on."""
MOST_SHARED = 0.5
"""Of the smaller box: two that share more are one thing, or a part of it."""


def others_written(best: Box, written: Sequence[Candidate]) -> list[Candidate]:
    """Of the boxes written behind the plural those that may be another thing than the best one, each thing once."""
    return apart_from(best, [item for item in written if item.probability >= WRITTEN_FROM])


def apart_from(best: Box, items: Sequence[Candidate]) -> list[Candidate]:
    """Those that lie on neither the best box nor one before them."""
    others: list[Candidate] = []
    for item in items:
        if all(_shared(item.box, box) <= MOST_SHARED for box in (best, *(other.box for other in others))):
            others.append(item)
    return others


def _shared(box: Box, other: Box) -> float:
    """Of the smaller one's area, what the larger one covers."""
    iou = box.iou(other)
    return iou / (1 + iou) * (box.area + other.area) / min(box.area, other.area)


def with_others(answer: Grounding, others: Sequence[Candidate]) -> Grounding:
    """The answer where others fit as well as the best one: `ambiguous`, with all of them and a question.

    None of them is likelier than the best one, which was found.
    """
    best = answer.best
    fitting = [
        best,
        *(Candidate(box=item.box, probability=item.probability * best.probability) for item in others),
    ]
    question = clarifying_question(answer.phrase, [item.box for item in fitting])
    return answer.model_copy(update={"status": "ambiguous", "candidates": tuple(fitting), "question": question})
