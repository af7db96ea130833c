"""Several pictures in one file: a strip side by side, a sheet of strips, or a film."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from kosmos_agent.drawing.style import PANEL, PAPER, SUPERSAMPLE, finished, font, shortened
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.images import as_rgb_array

Picture = Image.Image | NDArray[Any]
FILM_SUFFIXES = (".gif", ".webp")
_PALETTE_SAMPLES = 8


def strip(panels: Sequence[tuple[str, Picture]], *, height_px: int = 480) -> Image.Image:
    """(caption, picture) pairs side by side at one height, captions below."""
    if not panels:
        raise InvalidArgumentError("a strip of no pictures; valid: at least one (caption, picture)")
    height = height_px * SUPERSAMPLE
    pictures = [_at_height(picture, height) for _, picture in panels]
    gap, foot = round(height * 0.035), round(height * 0.1)
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) + 1)
    sheet = Image.new("RGB", (width, height + gap + foot), PANEL)
    pen = ImageDraw.Draw(sheet)
    face = font(round(height * 0.042))
    x = gap
    for (caption, _), picture in zip(panels, pictures, strict=True):
        sheet.paste(picture, (x, gap), _rounded(picture.size, round(height * 0.02)))
        words = shortened(caption, face, picture.width)
        pen.text((x + picture.width / 2, gap + height + foot / 2), words, font=face, fill=PAPER, anchor="mm")
        x += picture.width + gap
    return finished(sheet)


def contact_sheet(panels: Sequence[tuple[str, Picture]], *, columns: int = 4, height_px: int = 300) -> Image.Image:
    """(caption, picture) pairs in rows of `columns`, each row a strip."""
    if columns < 1:
        raise InvalidArgumentError(f"a sheet of {columns} columns; valid: at least 1")
    starts = range(0, max(1, len(panels)), columns)
    rows = [strip(panels[start : start + columns], height_px=height_px) for start in starts]
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), PANEL)
    y = 0
    for row in rows:
        sheet.paste(row, (0, y))
        y += row.height
    return sheet


def write_strip(panels: Sequence[tuple[str, Picture]], path: str | Path, *, height_px: int = 480) -> None:
    """`strip` into a picture file."""
    strip(panels, height_px=height_px).save(path)


def write_film(frames: Iterable[Picture], path: str | Path, *, fps: float = 15, hold_last_s: float = 1.5) -> None:
    """An endless animation, GIF or WebP by the suffix; the last frame stays for `hold_last_s`."""
    path = Path(path)
    if path.suffix.lower() not in FILM_SUFFIXES:
        raise InvalidArgumentError(
            f"a film cannot be written as {path.name}; valid suffixes: {', '.join(FILM_SUFFIXES)}"
        )
    pictures = [Image.fromarray(as_rgb_array(frame)) for frame in frames]
    if not pictures:
        raise InvalidArgumentError("a film of no frames; valid: at least one")
    step = round(1000 / fps)
    durations = [step] * (len(pictures) - 1) + [step + round(1000 * hold_last_s)]
    if path.suffix.lower() == ".gif":
        pictures = _with_one_palette(pictures)
        options: dict[str, Any] = {"optimize": False, "disposal": 1}
    else:
        options = {"quality": 82, "method": 2}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, **options)


def _with_one_palette(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """A palette for each frame would flicker, and so does dithering: one palette over all, nearest colours."""
    chosen = np.linspace(0, len(pictures) - 1, min(_PALETTE_SAMPLES, len(pictures))).round().astype(int)
    sample = np.concatenate([np.asarray(pictures[index].resize(pictures[0].size)) for index in chosen])
    palette = Image.fromarray(sample).quantize(256, method=Image.Quantize.MEDIANCUT)
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]


def _at_height(picture: Picture, height: int) -> Image.Image:
    image = Image.fromarray(as_rgb_array(picture))
    return image.resize((max(1, round(image.width * height / image.height)), height), Image.Resampling.LANCZOS)


def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius, fill=255)
    return mask
