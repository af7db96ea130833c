"""A phrase for one thing that more than one fits: `the cup`, where two cups stand.

Trained on phrases for one thing, a model chooses one of two with all its weight as often as not. Behind the plural it
writes both; asked what lies in each box, it says which of them the phrase fits (`asked_again`). The line here and that
of `second_opinion` were chosen on validation scenes (docs/training-log.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from kosmos_agent.clarify import clarifying_question
from kosmos_agent.inference.candidates import apart
from kosmos_agent.results import Box, Candidate, Grounding, Status

WRITTEN_FROM = 0.3
"""Probability of a written box; below it, it is not asked about."""


def others_written(known: Sequence[Box], written: Sequence[Candidate]) -> list[Candidate]:
    """Of the boxes written behind the plural those that may be another thing than the known ones, each thing once."""
    return apart((item for item in written if item.probability >= WRITTEN_FROM), known)


def offering(answer: Grounding, fitting: Sequence[Candidate]) -> Grounding:
    """`ambiguous`, with the two or more that fit, and a question that tells them apart."""
    question = clarifying_question(answer.phrase, [item.box for item in fitting])
    return answer.model_copy(update={"status": "ambiguous", "candidates": tuple(fitting), "question": question})


def settled(answer: Grounding, thing: Candidate, status: Status) -> Grounding:
    """What was `ambiguous`, with the one thing that is left of it."""
    return answer.model_copy(update={"status": status, "candidates": (thing,), "question": None})
