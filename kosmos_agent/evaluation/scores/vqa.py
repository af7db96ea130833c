"""Accuracy of VQA: an answer is as right as three of the other nine people agree with it (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kosmos_agent.evaluation.scores.texts import TextRecord
from kosmos_agent.evaluation.scores.vqa_words import normalised_answer, without_punctuation

_ENOUGH = 3


def answer_accuracy(text: str, answers: Sequence[str]) -> float:
    """Mean over the people, each left out in turn, of min(1, how many of the others said the same / 3)."""
    said = normalised_answer(text)
    people = [without_punctuation(answer) for answer in answers] if len(set(answers)) > 1 else list(answers)
    same = [answer == said for answer in people]
    return sum(min(1.0, (sum(same) - mine) / _ENOUGH) for mine in same) / len(same)


def vqa_figures(records: Sequence[TextRecord]) -> dict[str, object]:
    """`accuracy` in [0, 1], of all and by type of question and of answer; None where no answers are known."""
    known = [record for record in records if record.references]
    grouped: defaultdict[str, list[float]] = defaultdict(list)
    right = []
    for record in known:
        right.append(answer_accuracy(record.text, record.references))
        for kind in record.kinds:
            grouped[kind].append(right[-1])
    return {
        "n": len(known),
        "n_unanswered": len(records) - len(known),
        "n_refused": sum(record.refused is not None for record in records),
        "accuracy": _mean(right),
        "by_kind": {kind: {"n": len(some), "accuracy": _mean(some)} for kind, some in sorted(grouped.items())},
    }


def server_answers(records: Sequence[TextRecord]) -> list[dict[str, object]]:
    """What the server of VQA takes: number and answer of every question. Its own side normalises."""
    return [{"question_id": int(record.id), "answer": record.text} for record in records]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
