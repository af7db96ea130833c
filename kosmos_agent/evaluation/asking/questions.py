"""Questions with short answers (paper 4.3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kosmos_agent import prompts
from kosmos_agent.evaluation.asking.asker import Rgb, refusal
from kosmos_agent.evaluation.asking.writing import write_behind
from kosmos_agent.evaluation.benchmarks.samples import QuestionSample
from kosmos_agent.evaluation.scores.texts import TextRecord
from kosmos_agent.grounder import Grounder
from kosmos_agent.view import MAX_PHRASES


@dataclass(frozen=True)
class WrittenAnswers:
    """`Question: ... Answer:`, greedy."""

    max_new_tokens: int = 32

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "paper", **asdict(self)}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[QuestionSample]) -> list[TextRecord]:
        frame = grounder.view(rgb).encoded

        def answer(questions: Sequence[str]) -> list[str]:
            texts = [prompts.plain_question(question) for question in questions]
            return write_behind(grounder, frame, texts, self.max_new_tokens)

        return _records(samples, rgb, answer)


@dataclass(frozen=True)
class ViewAnswers:
    """`View.answer_all`."""

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "view"}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[QuestionSample]) -> list[TextRecord]:
        view = grounder.view(rgb)

        def answer(questions: Sequence[str]) -> list[str]:
            starts = range(0, len(questions), MAX_PHRASES)
            return [text.text for k in starts for text in view.answer_all(questions[k : k + MAX_PHRASES])]

        return _records(samples, rgb, answer)


def _records(
    samples: Sequence[QuestionSample], rgb: Rgb, answer: Callable[[Sequence[str]], list[str]]
) -> list[TextRecord]:
    """A question that cannot be put to a model is answered with nothing, and says why."""
    refusals = [refusal(sample.question) for sample in samples]
    asked = [sample.question for sample, reason in zip(samples, refusals, strict=True) if reason is None]
    texts = iter(answer(asked))
    height, width = rgb.shape[:2]
    return [
        TextRecord(
            sample.id,
            sample.image,
            width,
            height,
            sample.question,
            next(texts) if reason is None else "",
            sample.answers,
            sample.kinds,
            refused=reason,
        )
        for sample, reason in zip(samples, refusals, strict=True)
    ]
