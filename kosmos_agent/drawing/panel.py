"""What stands below a picture: a status line, or a text with coloured spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from kosmos_agent.drawing.style import INK, MUTED, PANEL, PAPER, Colour, Font, font, shortened, text_width
from kosmos_agent.results import Grounding

_STATUS_WORDS = {"found": "FOUND", "ambiguous": "WHICH ONE?", "not_found": "NOT FOUND", "cannot_tell": "CANNOT TELL"}


@dataclass(frozen=True)
class Run:
    """Words of one look."""

    text: str
    colour: Colour
    underlined: bool = False


def add_status(canvas: Image.Image, answer: Grounding, colour: Colour) -> Image.Image:
    """`canvas` with a line below it: the status, the phrase, and on the right how sure, how long, which model."""
    unit = canvas.width / 100
    top, height = canvas.height, round(6.4 * unit)
    sheet, pen = _extended(canvas, height)
    middle = top + height / 2
    small, large = font(round(2.1 * unit)), font(round(2.7 * unit))
    word = _STATUS_WORDS[answer.status]
    pill_end = 2 * unit + text_width(word, small) + 2.2 * unit
    pen.rounded_rectangle((2 * unit, middle - 1.8 * unit, pill_end, middle + 1.8 * unit), 1.8 * unit, fill=colour)
    pen.text(((2 * unit + pill_end) / 2, middle), word, font=small, fill=INK, anchor="mm")
    note = _note(answer)
    note_start = canvas.width - 2 * unit - text_width(note, small)
    pen.text((note_start, middle), note, font=small, fill=MUTED, anchor="lm")
    phrase = shortened(answer.phrase, large, note_start - pill_end - 3.4 * unit)
    pen.text((pill_end + 1.6 * unit, middle), phrase, font=large, fill=PAPER, anchor="lm")
    return sheet


def add_panel(canvas: Image.Image, runs: Sequence[Run]) -> Image.Image:
    """`canvas` with the runs below it, wrapped at words."""
    unit = canvas.width / 100
    face = font(round(2.7 * unit))
    lines = _wrapped(runs, face, canvas.width - 5 * unit)
    top, step = canvas.height, 4.1 * unit
    sheet, pen = _extended(canvas, round(2.6 * unit + step * len(lines)))
    for number, line in enumerate(lines):
        x, y = 2.5 * unit, top + 1.3 * unit + step * (number + 0.5)
        for run in line:
            end = x + text_width(run.text, face)
            pen.text((x, y), run.text, font=face, fill=run.colour, anchor="lm")
            if run.underlined:
                pen.line((x, y + 1.7 * unit, end, y + 1.7 * unit), fill=run.colour, width=max(2, round(0.25 * unit)))
            x = end
    return sheet


def _extended(canvas: Image.Image, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sheet = Image.new("RGB", (canvas.width, canvas.height + height), PANEL)
    sheet.paste(canvas, (0, 0))
    return sheet, ImageDraw.Draw(sheet)


def _note(answer: Grounding) -> str:
    sure = answer.candidates[0].probability if answer.candidates else answer.presence
    what = "" if answer.candidates else "presence "
    total = answer.timings_ms.get("total", sum(answer.timings_ms.values()))
    return f"{what}{100 * sure:.0f} %   |   {total:.0f} ms   |   {answer.model}"


def _wrapped(runs: Sequence[Run], face: Font, width_px: float) -> list[list[Run]]:
    """Lines of runs; a break falls between words, also within a run."""
    lines: list[list[Run]] = [[]]
    used = 0.0
    for run in runs:
        for word in _words(run.text):
            advance = text_width(word, face)
            if used and used + text_width(word.rstrip(), face) > width_px:
                lines.append([])
                used, word = 0.0, word.lstrip()
                advance = text_width(word, face)
            _append(lines[-1], Run(word, run.colour, run.underlined))
            used += advance
    return lines


def _append(line: list[Run], run: Run) -> None:
    if line and (line[-1].colour, line[-1].underlined) == (run.colour, run.underlined):
        line[-1] = Run(line[-1].text + run.text, run.colour, run.underlined)
    elif run.text:
        line.append(run)


def _words(text: str) -> list[str]:
    """`text` in pieces that each end where a line may break; together they are `text`."""
    pieces = [word + " " for word in text.split(" ")]
    pieces[-1] = pieces[-1][:-1]
    return [piece for piece in pieces if piece]
