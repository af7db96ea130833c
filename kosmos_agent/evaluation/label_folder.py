"""A folder of pictures with `labels.jsonl`: one JSON object a line, one line a picture (`docs/evaluation.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from kosmos_agent.errors import InvalidBoxError, InvalidLabelsError, InvalidPhraseError
from kosmos_agent.evaluation.labelled import LabelledPicture, PictureLabels
from kosmos_agent.images import load_image

LABELS_FILE = "labels.jsonl"
MAX_PICTURES = 100_000
MAX_LABELS_BYTES = 256 * 2**20
MAX_LINE_BYTES = 2**20
MAX_PICTURE_BYTES = 64 * 2**20
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

_QUALITY = 92
_ADAPTER = TypeAdapter(PictureLabels)


def read_labels(folder: str | Path) -> list[PictureLabels]:
    """The labels in order, all lines and the presence of all pictures checked before the first is used.

    InvalidLabelsError, naming the line, for anything that the format does not allow: unknown or missing fields, boxes
    outside the picture, a picture outside the folder, missing, named twice or too large.
    """
    root = Path(folder)
    path = root / LABELS_FILE
    labels: list[PictureLabels] = []
    seen: set[str] = set()
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        place = f"{path} line {number}"
        if len(labels) == MAX_PICTURES:
            raise InvalidLabelsError(f"{place}: more than {MAX_PICTURES} pictures in one folder")
        item = _parsed(line, place)
        _inside(root, item.image, place)
        if item.image in seen:
            raise InvalidLabelsError(f"{place}: {item.image!r} is named twice; valid: one line a picture")
        seen.add(item.image)
        labels.append(item)
    if not labels:
        raise InvalidLabelsError(f"{path} holds no labels; valid: a line for each picture")
    return labels


def load_pictures(folder: str | Path, labels: Sequence[PictureLabels]) -> Iterator[LabelledPicture]:
    """Each picture as it is reached. InvalidImageError where a file is no usable picture."""
    for item in labels:
        path = _inside(Path(folder), item.image, item.image)
        yield LabelledPicture(np.asarray(load_image(path)), item)


def write_pictures(folder: str | Path, pictures: Iterable[LabelledPicture]) -> int:
    """Pictures (by suffix: JPEG, PNG or WebP) and `labels.jsonl` into a new or empty folder; how many they are.

    InvalidLabelsError when the folder holds labels already, or a picture would lie outside the folder.
    """
    root = Path(folder)
    if (root / LABELS_FILE).exists():
        raise InvalidLabelsError(f"{root} holds a {LABELS_FILE} already; valid: a new folder")
    root.mkdir(parents=True, exist_ok=True)
    count = 0
    with (root / LABELS_FILE).open("w", encoding="utf-8", newline="\n") as file:
        for picture in pictures:
            path = root / _relative(picture.labels.image, picture.labels.image)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.rgb).save(path, quality=_QUALITY, subsampling=0)
            file.write(_ADAPTER.dump_json(picture.labels).decode() + "\n")
            count += 1
    return count


def _lines(path: Path) -> Iterator[bytes]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidLabelsError(f"no {LABELS_FILE} in {path.parent} ({error.strerror})") from error
    if size > MAX_LABELS_BYTES:
        raise InvalidLabelsError(f"{path} has {size} bytes; valid: at most {MAX_LABELS_BYTES}")
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                yield line
    except OSError as error:
        raise InvalidLabelsError(f"{path} cannot be read ({error.strerror})") from error


def _parsed(line: bytes, place: str) -> PictureLabels:
    if len(line) > MAX_LINE_BYTES:
        raise InvalidLabelsError(f"{place} is longer than {MAX_LINE_BYTES} bytes")
    try:
        return _ADAPTER.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidLabelsError(f"{place}: {where + ': ' if where else ''}{first['msg']}") from error
    except (InvalidBoxError, InvalidPhraseError) as error:
        raise InvalidLabelsError(f"{place}: {error}") from error


def _relative(name: str, place: str) -> PurePosixPath:
    """The name as a path below the folder; the system's own separators and drives have no meaning in it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or any(mark in name for mark in "\\:\0"):
        raise InvalidLabelsError(f"{place}: {name!r} is outside the folder; valid: a name inside it, such as 0001.jpg")
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidLabelsError(f"{place}: {name!r} is no picture; valid suffixes: {', '.join(SUFFIXES)}")
    return path


def _inside(root: Path, name: str, place: str) -> Path:
    """The file of that name, links followed: it must exist, be small enough and lie inside the folder."""
    path = root / _relative(name, place)
    try:
        size, is_file, real = path.stat().st_size, path.is_file(), path.resolve()
    except OSError as error:
        raise InvalidLabelsError(f"{place}: {name!r} cannot be opened ({error.strerror})") from error
    if not real.is_relative_to(root.resolve()):
        raise InvalidLabelsError(f"{place}: {name!r} is a link to outside the folder")
    if not is_file or size > MAX_PICTURE_BYTES:
        raise InvalidLabelsError(f"{place}: {name!r} is no file of at most {MAX_PICTURE_BYTES} bytes")
    return path
