"""A picture with an answer on it: the boxes in place, and below them a line that says what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PIL import Image, ImageEnhance

from kosmos_agent.drawing.boxes import Mark, draw_marks, spotlit
from kosmos_agent.drawing.panel import Run, add_panel, add_status
from kosmos_agent.drawing.style import PAPER, STATUS_COLOURS, Colour, canvas_from, colour_of, finished
from kosmos_agent.results import GroundedText, Grounding

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAX_CANDIDATES = {"one": 8, "many": 16}


def annotate(image: Image.Image, answers: Grounding | Sequence[Grounding]) -> Image.Image:
    """The picture with the boxes of one answer or several, and a status line for each."""
    found = [answers] if isinstance(answers, Grounding) else list(answers)
    canvas = canvas_from(image)
    if not any(answer.candidates for answer in found):
        canvas = _faded(canvas)
    elif len(found) == 1 and len(found[0].meant) == 1:
        canvas = spotlit(canvas, found[0].best.box)
    draw_marks(canvas, [mark for index, answer in enumerate(found) for mark in _marks(answer, index, len(found) > 1)])
    for index, answer in enumerate(found):
        canvas = add_status(canvas, answer, _answer_colour(answer, index, len(found) > 1))
    return finished(canvas)


def annotate_text(image: Image.Image, text: GroundedText) -> Image.Image:
    """The picture with every entity's boxes, and the text below with the linked spans in the same colours."""
    canvas = canvas_from(image)
    entities = sorted(text.entities, key=lambda entity: entity.start)
    marks = [
        Mark(box, colour_of(index), text.text[entity.start : entity.end], weight=0.8)
        for index, entity in enumerate(entities)
        for box in entity.boxes
    ]
    draw_marks(canvas, marks)
    return finished(add_panel(canvas, list(_runs(text))))


def film_frame(
    picture: Image.Image, caption: str, answers: Grounding | Sequence[Grounding] | None = None
) -> Image.Image:
    """The picture at its own size with the best box of each answer on it and, unless it is empty, a line below it."""
    frame = picture.convert("RGB")
    found = [answers] if isinstance(answers, Grounding) else list(answers or ())
    marks = [
        mark
        for index, answer in enumerate(found)
        if answer.candidates
        for mark in list(_marks(answer, index, several=len(found) > 1))[:1]
    ]
    draw_marks(frame, marks)
    return add_panel(frame, [Run(caption, PAPER)]) if caption else frame


def _marks(answer: Grounding, index: int, several: bool) -> Iterator[Mark]:
    colour = _answer_colour(answer, index, several)
    for rank, candidate in enumerate(answer.candidates[: _MAX_CANDIDATES[answer.count]]):
        percent = f"{100 * candidate.probability:.0f} %"
        if answer.status == "ambiguous":
            yield Mark(candidate.box, colour if several else colour_of(rank + 1), _LETTERS[rank], percent)
        elif rank == 0:
            yield Mark(candidate.box, colour, answer.phrase, percent)
        elif answer.count == "many":
            yield Mark(candidate.box, colour, note=percent)
        else:
            yield Mark(candidate.box, PAPER, note=percent, weight=0.0)


def _answer_colour(answer: Grounding, index: int, several: bool) -> Colour:
    return colour_of(index) if several and answer.candidates else STATUS_COLOURS[answer.status]


def _runs(text: GroundedText) -> Iterator[Run]:
    position = 0
    for index, entity in enumerate(sorted(text.entities, key=lambda item: item.start)):
        if entity.start < position:
            continue
        yield Run(text.text[position : entity.start], PAPER)
        yield Run(text.text[entity.start : entity.end], colour_of(index), underlined=True)
        position = entity.end
    yield Run(text.text[position:], PAPER)


def _faded(canvas: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(ImageEnhance.Color(canvas).enhance(0.35)).enhance(0.8)
