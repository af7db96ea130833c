"""All that the labels of a picture ask, through the calls that users make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic.dataclasses import dataclass

from kosmos_agent.evaluation.asking.asker import Rgb
from kosmos_agent.evaluation.benchmarks.samples import LabelledSample
from kosmos_agent.evaluation.labelled import PictureLabels
from kosmos_agent.grounder import Grounder
from kosmos_agent.results import GroundedText, Grounding
from kosmos_agent.view import View

A = TypeVar("A", Grounding, GroundedText)


@dataclass(frozen=True)
class LabelAnswers:
    """In the order of the labels: of each phrase, region, question and ambiguous phrase; the caption where things are
    labelled."""

    phrases: tuple[Grounding, ...] = ()
    regions: tuple[GroundedText, ...] = ()
    caption: GroundedText | None = None
    questions: tuple[GroundedText, ...] = ()
    ambiguous: tuple[Grounding, ...] = ()


@dataclass(frozen=True)
class LabelRecord:
    """A picture's labels, and what was answered. width, height: of the picture, in pixels."""

    id: str
    image: str
    width: int
    height: int
    labels: PictureLabels
    answers: LabelAnswers


def answers_to(view: View, labels: PictureLabels) -> LabelAnswers:
    """What has no labels is not asked. Phrases in one pass; those that name several things are asked for each of them,
    as their asker would."""
    singles = view.find_all([phrase.text for phrase in labels.phrases]) if labels.phrases else []
    phrases = tuple(
        view.find_each(phrase.text) if len(phrase.boxes) > 1 else single
        for phrase, single in zip(labels.phrases, singles, strict=True)
    )
    return LabelAnswers(
        phrases,
        tuple(view.describe_all([region.box for region in labels.regions])) if labels.regions else (),
        view.caption("brief") if labels.things else None,
        tuple(view.answer_all([question.text for question in labels.questions])) if labels.questions else (),
        tuple(view.find_all([phrase.text for phrase in labels.ambiguous])) if labels.ambiguous else (),
    )


class AskedLabels:
    """`answers_to`, without what another run of the same model would give otherwise: times, and the model's path."""

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "view"}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[LabelledSample]) -> list[LabelRecord]:
        height, width = rgb.shape[:2]
        view = grounder.view(rgb)
        return [
            LabelRecord(item.id, item.image, width, height, item.labels, _kept(answers_to(view, item.labels)))
            for item in samples
        ]


def _kept(answers: LabelAnswers) -> LabelAnswers:
    return LabelAnswers(
        tuple(map(_timeless, answers.phrases)),
        tuple(map(_timeless, answers.regions)),
        None if answers.caption is None else _timeless(answers.caption),
        tuple(map(_timeless, answers.questions)),
        tuple(map(_timeless, answers.ambiguous)),
    )


def _timeless(answer: A) -> A:
    return answer.model_copy(update={"timings_ms": {}, "model": ""})
