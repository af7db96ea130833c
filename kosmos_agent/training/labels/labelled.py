"""A picture with named boxes, and the checks that all formats share."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from kosmos_agent.errors import InvalidImageError, InvalidLabelsError, InvalidPhraseError
from kosmos_agent.images import load_image
from kosmos_agent.location import Corners
from kosmos_agent.markup import escape_user_text
from kosmos_agent.training.labels.splits import Part

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MAX_FILE_BYTES = 512 * 2**20
_SLACK_PX = 1.5
"""Tools round: a box may stick out of its picture by this much, and is cut off there."""

Tell = Callable[[str], None]
"""Is told of what is passed over, and why."""


@dataclass(frozen=True)
class BoxedPicture:
    """boxes: (name, corners as fractions of the picture), in the order of the file.

    part: of the export's own split. crowds: names of which there are more than boxes say.
    """

    path: Path
    boxes: tuple[tuple[str, Corners], ...]
    part: Part | None = None
    crowds: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.boxes))

    def boxes_of(self, name: str) -> list[Corners]:
        return [corners for label, corners in self.boxes if label == name]


def checked_name(name: object, place: str) -> str:
    """What the model will be asked for: words, underscores as spaces."""
    try:
        return escape_user_text(name.replace("_", " ") if isinstance(name, str) else str(name))
    except InvalidPhraseError as error:
        raise InvalidLabelsError(f"{place}: label {name!r}: {error}") from error


def checked_box(x1: object, y1: object, x2: object, y2: object, size: tuple[int, int], place: str) -> Corners:
    """Pixels -> fractions. InvalidLabelsError unless the corners are finite, in order and on the picture."""
    values = [_number(value) for value in (x1, y1, x2, y2)]
    width, height = size
    shown = f"box {[x1, y1, x2, y2]} on a picture of {width} x {height}"
    if not all(math.isfinite(value) for value in values):
        raise InvalidLabelsError(f"{place}: {shown}; valid: four finite numbers")
    left, top, right, bottom = values
    if left < -_SLACK_PX or top < -_SLACK_PX or right > width + _SLACK_PX or bottom > height + _SLACK_PX:
        raise InvalidLabelsError(f"{place}: {shown} leaves the picture")
    left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))
    if not (left < right and top < bottom):
        raise InvalidLabelsError(f"{place}: {shown} is empty or inverted; valid: x1 < x2, y1 < y2")
    return left / width, top / height, right / width, bottom / height


def picture_size(path: Path, place: str) -> tuple[int, int]:
    """Width and height as displayed. InvalidLabelsError for a missing or broken picture."""
    if not path.is_file():
        raise InvalidLabelsError(f"{place}: there is no picture {path}")
    try:
        image: Image.Image = load_image(path)
    except InvalidImageError as error:
        raise InvalidLabelsError(f"{place}: {error}") from error
    return image.size


def inside(folder: Path, name: object, place: str) -> Path:
    """The file of that name below `folder`; InvalidLabelsError where it would lie elsewhere."""
    if not isinstance(name, str) or not name:
        raise InvalidLabelsError(f"{place}: the picture is {name!r:.60}; valid: the name of a file")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidLabelsError(f"{place}: picture {name!r} lies outside {folder}")
    return path


def read_object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidLabelsError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise InvalidLabelsError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidLabelsError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidLabelsError(f"{path} holds a {type(found).__name__}; valid: an object")
    return found


def enclosing(points: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    """The box around a polygon or two opposite corners."""
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return min(xs), min(ys), max(xs), max(ys)


def _number(value: object) -> float:
    """NaN for what is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
