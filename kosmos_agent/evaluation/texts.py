"""Scores of what a model writes: descriptions, brief captions, answers to questions (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kosmos_agent.evaluation.labelled import LabelledQuestion, LabelledRegion, LabelledThing
from kosmos_agent.evaluation.matching import HIT_IOU, Counts
from kosmos_agent.evaluation.wording import normalised, says
from kosmos_agent.results import Box, GroundedText


def is_described(text: GroundedText, region: LabelledRegion) -> bool:
    """Whether the text's first noun phrase gives the colour and the category; a place that it adds is not judged."""
    return says(text.text, region.colour, region.category)


def is_answered(text: GroundedText, question: LabelledQuestion) -> bool:
    """Whether the text is an accepted answer, word for word after normalising."""
    said = normalised(text.text)
    return any(said == normalised(answer) for answer in question.answers)


@dataclass(frozen=True)
class _Mention:
    """A span of a caption with one of its boxes."""

    words: str
    box: Box

    def fits(self, thing: LabelledThing) -> float:
        """IoU with a thing that the words are right for; 0 for any other, and below `HIT_IOU`."""
        overlap = self.box.iou(thing.box)
        return overlap if overlap >= HIT_IOU and says(self.words, thing.colour, thing.category) else 0.0


def caption_counts(text: GroundedText, things: Sequence[LabelledThing]) -> Counts:
    """Mentions (each box of each span) against the prominent things, one to one, the greatest overlap first.

    A mention is right when its words give colour and category of the thing that it boxes. One that is right of a thing
    that is not prominent counts neither for nor against; a second mention of the same thing is spurious.
    """
    mentions = [_Mention(entity.text, box) for entity in text.entities for box in entity.boxes]
    fits = [(mention.fits(thing), i, j) for i, mention in enumerate(mentions) for j, thing in enumerate(things)]
    told: dict[int, int] = {}
    for fit, i, j in sorted(fits, key=lambda item: (-item[0], item[1], item[2])):
        if fit > 0 and i not in told and j not in told.values():
            told[i] = j
    right = sum(things[j].prominent for j in told.values())
    prominent = sum(thing.prominent for thing in things)
    return Counts(right, len(mentions) - len(told), prominent - right)


@dataclass
class TextReport:
    """Texts so far. answered: by kind of question."""

    described: list[bool] = field(default_factory=list)
    captions: Counts = field(default_factory=Counts)
    captioned: int = 0
    answered: dict[str, list[bool]] = field(default_factory=dict)

    def add_description(self, region: LabelledRegion, text: GroundedText) -> None:
        self.described.append(is_described(text, region))

    def add_caption(self, things: Sequence[LabelledThing], text: GroundedText) -> None:
        self.captions += caption_counts(text, things)
        self.captioned += 1

    def add_answer(self, question: LabelledQuestion, text: GroundedText) -> None:
        self.answered.setdefault(question.kind, []).append(is_answered(text, question))

    def summary(self) -> dict[str, object]:
        """None stands for a figure that nothing was asked for."""
        answers = [right for kind in self.answered.values() for right in kind]
        return {
            "describe_accuracy": _share(self.described),
            "n_described": len(self.described),
            "caption_f1": self.captions.f1,
            "n_captions": self.captioned,
            "question_accuracy": _share(answers),
            "n_questions": len(answers),
            "question_accuracy_by_kind": {
                kind: {"n": len(right), "accuracy": _share(right)} for kind, right in sorted(self.answered.items())
            },
        }


def _share(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None
