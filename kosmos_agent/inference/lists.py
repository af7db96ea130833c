"""A caption that lists things, put right after each of them was looked at from near (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kosmos_agent.results import Box, Entity, GroundedText

SAME_IOU = 0.5
"""Two mentions with boxes that overlap by more are of one thing."""
_BETWEEN = re.compile(r"\s*(?:,|and|, and)\s*")
_END = re.compile(r"\s*\.?\s*")


def is_list(text: GroundedText) -> bool:
    """`An image of a red cup, a plate and two forks.`: nothing but commas and "and" between what it links."""
    ends = [(first.end, second.start) for first, second in zip(text.entities, text.entities[1:], strict=False)]
    between = all(_BETWEEN.fullmatch(text.text[start:end]) for start, end in ends)
    return bool(text.entities) and between and bool(_END.fullmatch(text.text[text.entities[-1].end :]))


def single_boxes(text: GroundedText) -> list[Box]:
    """Of the mentions that name one thing each, in order."""
    return [entity.boxes[0] for entity in text.entities if len(entity.boxes) == 1]


def rewritten(text: GroundedText, seen: Sequence[tuple[str, Box]]) -> GroundedText:
    """The list with its single mentions as they were `seen`, words and box; what is mentioned twice goes once.

    A mention of several things stays as it was.
    """
    following = iter(seen)
    mentions: list[tuple[str, tuple[Box, ...]]] = []
    for entity in text.entities:
        words, boxes = entity.text, entity.boxes
        if len(boxes) == 1:
            named, box = next(following)
            words, boxes = named or words, (box,)
        if not _is_repeated(boxes, mentions):
            mentions.append((words, boxes))
    return _joined(text, mentions)


def _is_repeated(boxes: Sequence[Box], mentions: Sequence[tuple[str, tuple[Box, ...]]]) -> bool:
    before = [box for _, others in mentions for box in others]
    return all(any(box.iou(other) >= SAME_IOU for other in before) for box in boxes)


def _joined(text: GroundedText, mentions: Sequence[tuple[str, tuple[Box, ...]]]) -> GroundedText:
    words = text.text[: text.entities[0].start]
    entities: list[Entity] = []
    for place, (name, boxes) in enumerate(mentions):
        if place:
            words += " and " if place == len(mentions) - 1 else ", "
        entities.append(Entity(text=name, start=len(words), end=len(words) + len(name), boxes=boxes))
        words += name
    words += text.text[text.entities[-1].end :]
    return text.model_copy(update={"text": words, "entities": tuple(entities)})
