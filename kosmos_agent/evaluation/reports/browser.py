"""A page of mistakes: one HTML file without scripts, and a picture for each with the true and the answered boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from PIL import Image

from kosmos_agent.drawing.boxes import Mark, draw_marks
from kosmos_agent.drawing.style import PAPER, STATUS_COLOURS, canvas_from, finished
from kosmos_agent.evaluation.benchmarks.samples import BoxPx
from kosmos_agent.evaluation.reports.mistakes import Mistake
from kosmos_agent.images import load_image
from kosmos_agent.results import Box

PAGE = "index.html"
_PICTURES = "pictures"
_MOST_BOXES = 10
_QUALITY = 82

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src *; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 1200px; padding: 0 1rem; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: .15rem .8rem .15rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }}
th {{ font-weight: 600; white-space: nowrap; }}
main {{ display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); }}
article {{ border: 1px solid #8886; border-radius: 10px; overflow: hidden; }}
article > div {{ padding: .6rem 1rem 1rem; }}
img {{ display: block; height: auto; width: 100%; }}
h2 {{ font-size: 1.05rem; margin: .3rem 0; overflow-wrap: anywhere; }}
small {{ opacity: .7; }}
</style>
</head>
<body>
"""


def write_browser(
    folder: Path,
    title: str,
    figures: Mapping[str, object],
    mistakes: Sequence[Mistake],
    most: int,
    picture_path: Callable[[str], Path],
) -> Path:
    """The first `most` of the mistakes; the page's path. White boxes are true, red ones answered, in their order.

    Everything that came from data or model is escaped.
    """
    pictures = folder / _PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    shown = mistakes[:most]
    parts = [_HEAD.format(title=escape(title)), f"<h1>{escape(title)}</h1>\n", _table(figures)]
    parts.append(f"<p>{len(shown)} of {len(mistakes)} shown. White boxes are true, red ones answered.</p>\n<main>\n")
    for number, mistake in enumerate(shown, start=1):
        source = None
        if mistake.image is not None:
            source = f"{_PICTURES}/{number:04d}.jpg"
            _drawn(load_image(picture_path(mistake.image)), mistake).save(folder / source, quality=_QUALITY)
        parts += _article(mistake, source)
    page = folder / PAGE
    page.write_text("".join([*parts, "</main>\n</body>\n</html>\n"]), encoding="utf-8")
    return page


def _article(mistake: Mistake, source: str | None) -> Iterator[str]:
    yield "<article>"
    if source is not None:
        yield f'<img src="{source}" alt="" loading="lazy">'
    yield f"<div><h2>{escape(mistake.heading)}</h2>{_table(mistake.facts)}"
    yield f"<small>{escape(mistake.id)} {escape(mistake.image or '')}</small></div></article>\n"


def _table(facts: Mapping[str, object]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(_words(value))}</td></tr>"
        for name, value in facts.items()
        if not isinstance(value, Mapping)
    )
    return f"<table>{rows}</table>\n"


def _words(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _drawn(image: Image.Image, mistake: Mistake) -> Image.Image:
    canvas = canvas_from(image)
    size = (mistake.width or image.width, mistake.height or image.height)
    marks = [Mark(box, PAPER, weight=0.5) for box in _boxes(mistake.true_px, size)]
    answered = _boxes(mistake.answered_px[:_MOST_BOXES], size)
    red = STATUS_COLOURS["not_found"]
    marks += [
        Mark(box, red, str(number) if len(answered) > 1 else "", weight=1.0 if number == 1 else 0.4)
        for number, box in enumerate(answered, start=1)
    ]
    draw_marks(canvas, marks)
    return finished(canvas)


def _boxes(boxes_px: Sequence[BoxPx], size: tuple[int, int]) -> list[Box]:
    """Those that can be drawn: an inverted box has no inside, one beyond the picture nothing in it."""
    width, height = size
    drawable = [
        (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))) for x1, y1, x2, y2 in boxes_px
    ]
    return [Box.from_pixels(box, width, height) for box in drawable if box[0] < box[2] and box[1] < box[3]]
