"""Which records were wrong, the worst first, and what a page shows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kosmos_agent.evaluation.asking.labels import LabelRecord
from kosmos_agent.evaluation.benchmarks.samples import BoxPx
from kosmos_agent.evaluation.matching import HIT_IOU
from kosmos_agent.evaluation.mistakes import certainty_of_mistake
from kosmos_agent.evaluation.scores.boxes import GroundingRecord
from kosmos_agent.evaluation.scores.texts import TextRecord
from kosmos_agent.evaluation.scores.vqa import answer_accuracy


@dataclass(frozen=True)
class Mistake:
    """heading: what was asked. facts: shown in order. true_px, answered_px: boxes to draw."""

    id: str
    image: str | None
    heading: str
    facts: Mapping[str, str]
    width: int = 0
    height: int = 0
    true_px: tuple[BoxPx, ...] = ()
    answered_px: tuple[BoxPx, ...] = ()


def grounding_mistakes(records: Sequence[GroundingRecord]) -> list[Mistake]:
    """Those whose first box misses, the least overlap first."""
    missed = [record for record in records if record.ious[0] < HIT_IOU]
    return [
        Mistake(
            id=record.id,
            image=record.image,
            heading=record.phrase,
            facts={
                "IoU of the first box": f"{record.ious[0]:.3f}",
                "best of all boxes": f"{max(record.ious):.3f} of {len(record.boxes_px)}",
                "kind": ", ".join(record.kinds) or "-",
                "written": record.text or record.refused or "-",
            },
            width=record.width,
            height=record.height,
            true_px=record.true_px,
            answered_px=record.boxes_px,
        )
        for record in sorted(missed, key=lambda item: max(item.ious))
    ]


def label_mistakes(records: Sequence[LabelRecord]) -> list[Mistake]:
    """Wrong answers about one thing or none, the surest first."""
    found = [
        (certainty, record, phrase, answer)
        for record in records
        for phrase, answer in zip(record.labels.phrases, record.answers.phrases, strict=True)
        if (certainty := certainty_of_mistake(phrase, answer)) is not None
    ]
    return [
        Mistake(
            id=record.id,
            image=record.image,
            heading=phrase.text,
            facts={"answered": answer.status, "surely": f"{certainty:.2f}", "kind": phrase.kind},
            width=record.width,
            height=record.height,
            true_px=tuple(box.to_pixels(record.width, record.height) for box in phrase.boxes),
            answered_px=tuple(item.box.to_pixels(record.width, record.height) for item in answer.candidates),
        )
        for certainty, record, phrase, answer in sorted(found, key=lambda item: -item[0])
    ]


def caption_mistakes(records: Sequence[TextRecord], cider_each: Sequence[float]) -> list[Mistake]:
    """All texts, the lowest CIDEr first: no text is plainly wrong."""
    pairs = sorted(zip(cider_each, records, strict=True), key=lambda item: item[0])
    return [
        Mistake(
            id=record.id,
            image=record.image,
            heading=record.text or "(nothing)",
            facts={"CIDEr": f"{cider:.3f}", "people said": " / ".join(record.references)},
            width=record.width,
            height=record.height,
            true_px=() if record.box_px is None else (record.box_px,),
        )
        for cider, record in pairs
    ]


def answer_mistakes(records: Sequence[TextRecord]) -> list[Mistake]:
    """Answers that fewer than half of the people would agree with, in the order of the file."""
    scored = [(answer_accuracy(record.text, record.references), record) for record in records if record.references]
    return [
        Mistake(
            id=record.id,
            image=record.image,
            heading=record.asked,
            facts={
                "answered": record.text or record.refused or "(nothing)",
                "accuracy": f"{accuracy:.2f}",
                "people said": ", ".join(dict.fromkeys(record.references)),
                "kind": ", ".join(record.kinds) or "-",
            },
            width=record.width,
            height=record.height,
        )
        for accuracy, record in scored
        if accuracy < 0.5
    ]
