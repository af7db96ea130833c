"""Runs a `Grounder` over labelled pictures, through the same calls that users make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kosmos_agent.evaluation.grounding import GroundingReport
from kosmos_agent.evaluation.labelled import LabelledPicture
from kosmos_agent.evaluation.mistakes import WorstMistakes
from kosmos_agent.evaluation.texts import TextReport
from kosmos_agent.grounder import Grounder
from kosmos_agent.view import View


@dataclass
class Evaluation:
    """All that is known of a model after some pictures."""

    grounding: GroundingReport = field(default_factory=GroundingReport)
    texts: TextReport = field(default_factory=TextReport)
    mistakes: WorstMistakes = field(default_factory=WorstMistakes)
    pictures: int = 0

    def summary(self) -> dict[str, object]:
        return {**self.grounding.summary(), **self.texts.summary(), "pictures": self.pictures}


def evaluate(grounder: Grounder, pictures: Iterable[LabelledPicture]) -> Evaluation:
    """One view for each picture; what a picture has no labels for is not asked."""
    evaluation = Evaluation()
    for picture in pictures:
        evaluation.pictures += 1
        view = grounder.view(picture.rgb)
        _ask_phrases(view, picture, evaluation)
        _ask_texts(view, picture, evaluation.texts)
    return evaluation


def _ask_phrases(view: View, picture: LabelledPicture, evaluation: Evaluation) -> None:
    """All phrases in one pass; those that name several things are asked for each of them, as their asker would."""
    phrases = picture.labels.phrases
    answers = view.find_all([phrase.text for phrase in phrases]) if phrases else []
    for phrase, single in zip(phrases, answers, strict=True):
        answer = view.find_each(phrase.text) if len(phrase.boxes) > 1 else single
        evaluation.grounding.add(phrase, answer)
        evaluation.mistakes.add(picture.rgb, phrase, answer)


def _ask_texts(view: View, picture: LabelledPicture, report: TextReport) -> None:
    labels = picture.labels
    if labels.regions:
        for region, text in zip(labels.regions, view.describe_all([r.box for r in labels.regions]), strict=True):
            report.add_description(region, text)
    if labels.things:
        report.add_caption(labels.things, view.caption("brief"))
    if labels.questions:
        for question, text in zip(labels.questions, view.answer_all([q.text for q in labels.questions]), strict=True):
            report.add_answer(question, text)
