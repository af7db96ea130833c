"""Boxes and their tags, drawn onto a supersampled canvas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageEnhance

from kosmos_agent.drawing.style import INK, Colour, font, shortened, text_width, unit_of
from kosmos_agent.results import Box

Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """A box to draw and how strongly: 1 for the answer, less for runners-up.

    Its tag says `tag`, cut to fit, and then `note`, never cut; with neither there is no tag.
    """

    box: Box
    colour: Colour
    tag: str = ""
    note: str = ""
    weight: float = 1.0


def draw_marks(canvas: Image.Image, marks: Sequence[Mark]) -> None:
    """Draws all boxes, the heaviest last so that it lies on top, then all tags so that no box crosses one."""
    for mark in sorted(marks, key=lambda item: item.weight):
        _draw_box(canvas, mark)
    taken: list[Rect] = []
    for mark in sorted(marks, key=lambda item: -item.weight):
        if mark.tag or mark.note:
            others = [item.box.to_pixels(*canvas.size) for item in marks if item is not mark]
            taken.append(_draw_tag(canvas, mark, taken, others))


def spotlit(canvas: Image.Image, box: Box) -> Image.Image:
    """`canvas`, a little darker outside the box."""
    unit = unit_of(canvas)
    mask = Image.new("L", canvas.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle(box.to_pixels(*canvas.size), unit, fill=255)
    return Image.composite(canvas, ImageEnhance.Brightness(canvas).enhance(0.78), mask)


def _draw_box(canvas: Image.Image, mark: Mark) -> None:
    unit = unit_of(canvas)
    edges = mark.box.to_pixels(*canvas.size)
    radius = min(unit, (edges[2] - edges[0]) / 4, (edges[3] - edges[1]) / 4)
    line = max(2, round(unit * (0.28 + 0.24 * mark.weight)))
    casing = max(1, round(unit * 0.16))
    pen = ImageDraw.Draw(canvas)
    outer = _grown(edges, line / 2 + casing)
    pen.rounded_rectangle(outer, radius + casing, outline=INK, width=line + 2 * casing)
    pen.rounded_rectangle(_grown(edges, line / 2), radius, outline=mark.colour, width=line)


def _draw_tag(canvas: Image.Image, mark: Mark, taken: Sequence[Rect], others: Sequence[Rect]) -> Rect:
    unit = unit_of(canvas)
    face = font(round(unit * (2.3 + 0.4 * mark.weight)))
    box = mark.box.to_pixels(*canvas.size)
    end = f"   {mark.note}" if mark.note and mark.tag else mark.note
    room = max(box[2] - box[0], 32 * unit) - text_width(end, face)
    text = shortened(mark.tag, face, room) + end
    size = (text_width(text, face) + 1.8 * unit, 3.9 * unit)
    rect = _free_place(_grown(box, 0.4 * unit), size, canvas.size, taken, others)
    pen = ImageDraw.Draw(canvas)
    pen.rounded_rectangle(_grown(rect, 0.16 * unit), 1.1 * unit, fill=INK)
    pen.rounded_rectangle(rect, unit, fill=mark.colour)
    pen.text((rect[0] + 0.9 * unit, (rect[1] + rect[3]) / 2), text, font=face, fill=INK, anchor="lm")
    return rect


def _free_place(
    box: Rect, size: tuple[float, float], canvas: tuple[int, int], taken: Sequence[Rect], others: Sequence[Rect]
) -> Rect:
    """The first place about the box that covers nothing; else the one that covers the least, tags counting most."""

    def covered(rect: Rect) -> float:
        tags = sum(_overlap(rect, tag) for tag in taken)
        return 3 * tags + 0.5 * _overlap(rect, box) + 0.4 * sum(_overlap(rect, other) for other in others)

    return min((_onto(place, size, canvas) for place in _places(box, size)), key=covered)


def _places(box: Rect, size: tuple[float, float]) -> Iterator[tuple[float, float]]:
    x1, y1, x2, y2 = box
    width, height = size
    gap = 0.25 * height
    yield (x1, y1 - height - gap)
    yield (x1, y2 + gap)
    yield (x2 - width, y1 - height - gap)
    yield (x2 - width, y2 + gap)
    yield (x2 + gap, y1)
    yield (x1 - width - gap, y1)
    yield (x1 + gap, y1 + gap)


def _onto(place: tuple[float, float], size: tuple[float, float], canvas: tuple[int, int]) -> Rect:
    margin = 0.15 * size[1]
    x = min(max(place[0], margin), canvas[0] - size[0] - margin)
    y = min(max(place[1], margin), canvas[1] - size[1] - margin)
    return (x, y, x + size[0], y + size[1])


def _overlap(a: Rect, b: Rect) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _grown(rect: Rect, by: float) -> Rect:
    return (rect[0] - by, rect[1] - by, rect[2] + by, rect[3] + by)
