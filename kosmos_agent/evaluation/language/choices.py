"""Multiple choice from a local file, by log-likelihood: what can be scored without another package or a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import ChangedRunError, InvalidDatasetError
from kosmos_agent.evaluation.batch.journal import Journal
from kosmos_agent.evaluation.benchmarks.files import AnnotationFiles, validated
from kosmos_agent.evaluation.language.likelihood import continuation, likelihoods
from kosmos_agent.evaluation.reports.mistakes import Mistake
from kosmos_agent.grounder import Grounder

_AT_ONCE = 16
"""Questions between two looks at the progress and the file."""

MOST_CHOICES = 64


@dataclass(frozen=True)
class _Line:
    """answer: index of the right choice. A space goes between context and choice unless one of them has it."""

    context: str
    choices: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=2, max_length=MOST_CHOICES)]
    answer: Annotated[int, Field(ge=0)]
    id: str | None = None


@dataclass(frozen=True)
class ChoiceRecord:
    """log_p: of each choice behind the context, natural, summed over its tokens."""

    id: str
    context: str
    choices: tuple[str, ...]
    answer: int
    log_p: tuple[float, ...] = ()

    @property
    def chosen(self) -> int:
        """The likeliest choice; of equals the first."""
        return max(range(len(self.choices)), key=self.log_p.__getitem__)

    @property
    def chosen_per_byte(self) -> int:
        """The likeliest for its length, so that long choices are not at a disadvantage."""
        return max(range(len(self.choices)), key=lambda k: self.log_p[k] / len(self.choices[k].encode()))


@plain_dataclass(frozen=True)
class Choices:
    """Questions as records without an answer yet; `digest` of their file."""

    questions: Sequence[ChoiceRecord]
    digest: str


_ADAPTER = TypeAdapter(_Line)
RECORDS = TypeAdapter(ChoiceRecord)


def read_choices(path: Path) -> Choices:
    """One JSON object a line: `{"context": ..., "choices": [...], "answer": 0}`. InvalidDatasetError names the line."""
    files = AnnotationFiles()
    questions = []
    for number, line in enumerate(files.text(path).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path} line {number}"
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidDatasetError(f"{place} is not JSON ({error})") from error
        item = validated(data, _ADAPTER, place)
        if item.answer >= len(item.choices):
            raise InvalidDatasetError(f"{place}: answer {item.answer}; valid: 0 to {len(item.choices) - 1}")
        questions.append(ChoiceRecord(item.id or str(number), item.context, tuple(item.choices), item.answer))
    if not questions:
        raise InvalidDatasetError(f"{path} holds no questions; valid: one JSON object a line")
    return Choices(questions, files.digest)


def answer_choices(
    load: Callable[[], Grounder],
    questions: Sequence[ChoiceRecord],
    journal: Journal[ChoiceRecord],
    done: Callable[[int], object] = lambda _: None,
) -> list[ChoiceRecord]:
    """All records, those that the journal held included; no model is loaded where it held all.

    ChangedRunError where it holds more than are asked for.
    """
    finished = len(journal.records)
    if finished > len(questions):
        raise ChangedRunError(
            f"{journal.path} holds more than the {len(questions)} records asked for; valid: a larger --limit"
        )
    done(finished)
    if finished < len(questions):
        grounder = load()
        for start in range(finished, len(questions), _AT_ONCE):
            some = questions[start : start + _AT_ONCE]
            journal.add(_answered(grounder, some))
            done(len(some))
    return journal.records


def choice_figures(records: Sequence[ChoiceRecord]) -> dict[str, float | int]:
    """`accuracy` by summed log-likelihood, `accuracy_per_byte` by length (acc and acc_bytes of the harness)."""
    count = len(records)
    return {
        "n": count,
        "accuracy": sum(record.chosen == record.answer for record in records) / count,
        "accuracy_per_byte": sum(record.chosen_per_byte == record.answer for record in records) / count,
    }


def choice_mistakes(records: Sequence[ChoiceRecord]) -> list[Mistake]:
    """Those answered wrongly, in the order of the file."""
    return [
        Mistake(
            id=record.id,
            image=None,
            heading=record.context,
            facts={"chosen": record.choices[record.chosen], "right": record.choices[record.answer]},
        )
        for record in records
        if record.chosen != record.answer
    ]


def _answered(grounder: Grounder, questions: Sequence[ChoiceRecord]) -> list[ChoiceRecord]:
    longest = grounder.model.config.text.max_position_embeddings
    asked = [
        continuation(grounder.tokenizer, question.context, _spaced(question.context, choice), longest)
        for question in questions
        for choice in question.choices
    ]
    found = likelihoods(grounder.model, grounder.tokenizer, asked)
    return [
        ChoiceRecord(q.id, q.context, q.choices, q.answer, tuple(next(found).log_p for _ in q.choices))
        for q in questions
    ]


def _spaced(context: str, choice: str) -> str:
    return choice if not context or context[-1].isspace() or choice[0].isspace() else f" {choice}"
