"""What a replay shows: a picture file for each answered picture, and of these a film and a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from kosmos_agent.drawing import film_frame, write_film
from kosmos_agent.drawing.sheets import contact_sheet
from kosmos_agent.results import Grounding
from kosmos_ros.images import Rgb

FRAMES_FOLDER, FILM_FILE, SHEET_FILE = "frames", "film.webp", "sheet.png"
WIDTH_PX = 640
MAX_FRAMES = 600
"""Of a film: longer recordings are shown in even steps."""
_SHEET_PICTURES, _SHEET_COLUMNS = 8, 4
_MIN_FPS, _MAX_FPS = 2.0, 30.0


class ReplayFilm:
    """Frames are kept as files, so that a replay that goes on later shows its first part too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._frames = folder / FRAMES_FOLDER
        self._frames.mkdir(exist_ok=True)

    def add(self, number: int, rgb: Rgb, answers: Sequence[Grounding], caption: str) -> None:
        """number: of the picture, which gives the frame its place."""
        picture = Image.fromarray(rgb)
        if picture.width > WIDTH_PX:
            picture = picture.resize((WIDTH_PX, max(1, round(picture.height * WIDTH_PX / picture.width))))
        film_frame(picture, caption, answers).save(self._frames / f"{number:08d}.jpg", quality=90)

    def write(self, stamps_ns: Sequence[int]) -> list[Path]:
        """The film at the speed of the recording, and the sheet; none where no picture could be shown."""
        paths = sorted(self._frames.glob("*.jpg"))
        if not paths:
            return []
        film, sheet = self._folder / FILM_FILE, self._folder / SHEET_FILE
        shown = _evenly(paths, MAX_FRAMES)
        write_film((_read(path) for path in shown), film, fps=_rate_hz(stamps_ns) * len(shown) / len(paths))
        panels = [(f"picture {int(path.stem)}", _read(path)) for path in _evenly(paths, _SHEET_PICTURES)]
        contact_sheet(panels, columns=min(_SHEET_COLUMNS, len(panels))).save(sheet)
        return [film, sheet]


def _rate_hz(stamps_ns: Sequence[int]) -> float:
    """Of the pictures, by the median of what lies between them."""
    steps_ns = [after - before for before, after in pairwise(stamps_ns) if after > before]
    rate_hz = 1e9 / float(np.median(steps_ns)) if steps_ns else _MIN_FPS
    return float(np.clip(rate_hz, _MIN_FPS, _MAX_FPS))


def _evenly(paths: Sequence[Path], count: int) -> list[Path]:
    places = np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int)
    return [paths[place] for place in places]


def _read(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
