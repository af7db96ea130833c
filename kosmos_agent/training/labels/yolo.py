"""YOLO: a .txt for each picture, a line `class x_centre y_centre width height` (fractions) for each box.

Names of the classes: `data.yaml` (key `names`, a list or a mapping) or `classes.txt`. Pictures in a folder `images`
have their labels in the folder `labels` beside it; otherwise both lie together. A line of more numbers is a polygon.
"""

from __future__ import annotations

import math
from pathlib import Path

import yaml

from kosmos_agent.errors import InvalidLabelsError
from kosmos_agent.location import Corners
from kosmos_agent.training.labels.labelled import (
    SUFFIXES,
    BoxedPicture,
    Tell,
    checked_box,
    checked_name,
    enclosing,
    picture_size,
)

_YAML_FILES, _CLASSES_FILE = ("data.yaml", "data.yml", "dataset.yaml"), "classes.txt"


def read_yolo(folder: Path, _: Tell) -> list[BoxedPicture]:
    """A picture without a label file is an error; one with an empty file has nothing on it."""
    names = _names(folder)
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not pictures:
        raise InvalidLabelsError(f"{folder} holds no pictures; valid suffixes: {', '.join(SUFFIXES)}")
    labels = {_label_file(path) for path in pictures}
    files = {path for path in folder.rglob("*.txt") if path.name != _CLASSES_FILE}
    lost = sorted(files - labels) if any(path.parent.name == "labels" for path in files) else []
    if lost:
        raise InvalidLabelsError(f"{lost[0]}: there is no picture for these labels")
    return [_read_picture(path, names) for path in pictures]


def _read_picture(path: Path, names: dict[int, str]) -> BoxedPicture:
    file = _label_file(path)
    if not file.is_file():
        raise InvalidLabelsError(f"{path} has no labels; valid: {file}, empty where nothing is labelled")
    size = picture_size(path, str(file))
    lines = enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
    return BoxedPicture(path, tuple(_box(line, size, names, f"{file} line {n}") for n, line in lines if line.strip()))


def _box(line: str, size: tuple[int, int], names: dict[int, str], place: str) -> tuple[str, Corners]:
    try:
        label, *values = line.split()
        key, numbers = int(label), [float(value) for value in values]
    except ValueError as error:
        raise InvalidLabelsError(f"{place}: {line!r:.80} is not a class and numbers") from error
    if key not in names:
        raise InvalidLabelsError(f"{place}: there is no class {key}; valid: {', '.join(map(str, sorted(names)))}")
    if not all(math.isfinite(value) for value in numbers):
        raise InvalidLabelsError(f"{place}: {line!r:.80} holds a number that is not finite")
    if len(numbers) == 4:
        x, y, width, height = numbers
        edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    elif len(numbers) >= 6 and len(numbers) % 2 == 0:
        edges = enclosing(list(zip(numbers[::2], numbers[1::2], strict=True)))
    else:
        raise InvalidLabelsError(f"{place}: {len(numbers)} numbers; valid: 4 of a box, or 6 and more of a polygon")
    width_px, height_px = size
    x1, y1, x2, y2 = edges[0] * width_px, edges[1] * height_px, edges[2] * width_px, edges[3] * height_px
    return names[key], checked_box(x1, y1, x2, y2, size, place)


def _label_file(picture: Path) -> Path:
    """The last folder called `images` becomes `labels`."""
    parts = list(picture.parent.parts)
    for place in reversed(range(len(parts))):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return Path(*parts) / f"{picture.stem}.txt"


def _names(folder: Path) -> dict[int, str]:
    for file in (folder / name for name in _YAML_FILES):
        if file.is_file():
            return _yaml_names(file)
    classes = folder / _CLASSES_FILE
    if not classes.is_file():
        raise InvalidLabelsError(f"{folder} does not say what its classes are called; valid: data.yaml or classes.txt")
    lines = classes.read_text(encoding="utf-8", errors="replace").splitlines()
    return {
        key: checked_name(line.strip(), f"{classes} line {key + 1}") for key, line in enumerate(lines) if line.strip()
    }


def _yaml_names(file: Path) -> dict[int, str]:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidLabelsError(f"{file} is not YAML: {error}") from error
    names = data.get("names") if isinstance(data, dict) else None
    pairs = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(pairs, dict) or not pairs or not all(type(key) is int for key in pairs):
        raise InvalidLabelsError(f"{file} has no names; valid: names, a list or a mapping from class numbers")
    return {key: checked_name(name, f"{file} class {key}") for key, name in pairs.items()}
