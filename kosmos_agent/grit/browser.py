"""A page of samples: pictures with their boxes and captions with their spans, in one file that needs nothing else.

Whatever comes from the data is escaped, and the page may load and run nothing at all.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Literal

from PIL import Image

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from kosmos_agent.grit.containment import Span, outermost, without_crossing
from kosmos_agent.grit.manifest import Manifest
from kosmos_agent.grit.reading import annotated_samples
from kosmos_agent.grit.records import GritRecord, SpanBox
from kosmos_agent.grit.rejects import Reject
from kosmos_agent.grit.samples import Sample
from kosmos_agent.grit.shards import RUN, find_shards

_COLOURS = ("#d1242f", "#0969da", "#1a7f37", "#bf8700", "#8250df", "#bf3989", "#1b7c83", "#bc4c00")
_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem; background: #f6f8fa; color: #1f2328; }}
main {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); }}
figure {{ margin: 0; padding: 1rem; background: #fff; border: 1px solid #d1d9e0; border-radius: 8px; }}
svg {{ width: 100%; height: auto; display: block; }}
rect {{ fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }}
text {{ font: bold 11px system-ui; paint-order: stroke; stroke: #fff; stroke-width: 3px; }}
mark {{ background: none; color: inherit; border-bottom: 3px solid; }}
small {{ color: #59636e; overflow-wrap: anywhere; }}
</style>
<h1>{title}</h1>
<main>
"""


def write_page(
    folder: Path,
    out: Path,
    *,
    pictures: Path | None = None,
    spans: Literal["expression", "chunk"] = "expression",
    count: int = 50,
    size_px: int = 320,
    on_reject: Callable[[Reject], None] | None = None,
) -> int:
    """At most `count` samples, equally many of each shard; how many they are. size_px: longer side of a picture.

    InvalidArgumentError where `out` cannot be written or no sample has a picture.
    """
    figures = list(islice(_figures(folder, pictures, spans, count, size_px, on_reject), count))
    if not figures:
        raise InvalidArgumentError(f"{folder} has no record with a picture that can be read")
    page = _HEAD.format(title=escape(f"{len(figures)} samples of {folder.name}")) + "\n".join(figures) + "\n</main>\n"
    try:
        out.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InvalidArgumentError(f"--out {out} cannot be written: {error.strerror}") from error
    return len(figures)


def _figures(
    folder: Path,
    pictures: Path | None,
    spans: Literal["expression", "chunk"],
    count: int,
    size_px: int,
    on_reject: Callable[[Reject], None] | None,
) -> Iterator[str]:
    each = math.ceil(count / _shard_count(folder, pictures))
    for sample, record in annotated_samples(folder, pictures=pictures, of_each_shard=each, on_reject=on_reject):
        try:
            yield figure(sample, record, record.ref_exps if spans == "expression" else record.noun_chunks, size_px)
        except KosmosAgentError as error:
            if on_reject is not None:
                on_reject(Reject.of(sample.key, "read", error))


def _shard_count(folder: Path, pictures: Path | None) -> int:
    manifest = Manifest.read(folder)
    if pictures is None:
        pictures = folder if manifest is None else manifest.pictures(folder)
    return len(find_shards(pictures, RUN if manifest is None else manifest.shard_samples))


def figure(sample: Sample, record: GritRecord, rows: Sequence[SpanBox], size_px: int) -> str:
    """One picture with the boxes of its outermost spans, each in its span's colour."""
    image = sample.image()
    image.thumbnail((size_px, size_px))
    shown = without_crossing(outermost(row.span for row in rows))
    colours = {span: _COLOURS[place % len(_COLOURS)] for place, span in enumerate(shown)}
    boxes = "".join(_box(row, colours[row.span], image) for row in rows if row.span in colours)
    return (
        f'<figure><svg viewBox="0 0 {image.width} {image.height}">'
        f'<image href="{_data_uri(image)}" width="{image.width}" height="{image.height}"/>{boxes}</svg>'
        f"<figcaption>{_marked(record.caption, colours)}<br><small>{escape(record.key)} {escape(record.url)}</small>"
        "</figcaption></figure>"
    )


def _box(row: SpanBox, colour: str, image: Image.Image) -> str:
    x1, y1, x2, y2 = row.corners
    x, y = x1 * image.width, y1 * image.height
    width, height = max(x2 - x1, 0) * image.width, max(y2 - y1, 0) * image.height
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" stroke="{colour}"/>'
        f'<text x="{x + 3:.1f}" y="{y + 12:.1f}" fill="{colour}">{row.score:.2f}</text>'
    )


def _marked(caption: str, colours: dict[Span, str]) -> str:
    parts, position = [], 0
    for (start, end), colour in colours.items():
        parts.append(escape(caption[position:start]))
        parts.append(f'<mark style="border-color:{colour}">{escape(caption[start:end])}</mark>')
        position = end
    return "".join(parts) + escape(caption[position:])


def _data_uri(image: Image.Image) -> str:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")
