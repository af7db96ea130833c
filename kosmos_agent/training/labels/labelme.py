"""LabelMe: a JSON file a picture, with `imagePath` and `shapes`: rectangles, polygons by the box around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidLabelsError
from kosmos_agent.training.labels.labelled import (
    BoxedPicture,
    Tell,
    checked_box,
    checked_name,
    enclosing,
    inside,
    picture_size,
    read_object,
)

_SHAPES = ("rectangle", "polygon")


def read_labelme(folder: Path, _: Tell) -> list[BoxedPicture]:
    files = sorted(path for path in folder.rglob("*.json") if path.is_file())
    if not files:
        raise InvalidLabelsError(f"{folder} holds no LabelMe files; valid: a .json beside each picture")
    return [_read_file(path, folder) for path in files]


def _read_file(path: Path, root: Path) -> BoxedPicture:
    data = read_object(path)
    name = data.get("imagePath")
    relative = path.parent.relative_to(root) / str(name).replace("\\", "/") if isinstance(name, str) else name
    picture = inside(root, str(relative) if relative is not None else None, str(path))
    size = picture_size(picture, str(path))
    shapes = data.get("shapes")
    if not isinstance(shapes, list):
        raise InvalidLabelsError(f"{path} has no list shapes; valid: a LabelMe file")
    boxes = (_box(shape, size, f"{path} shape {number}") for number, shape in enumerate(shapes, start=1))
    return BoxedPicture(picture, tuple(boxes))


def _box(shape: Any, size: tuple[int, int], place: str) -> tuple[str, tuple[float, float, float, float]]:
    if not isinstance(shape, dict) or shape.get("shape_type", "polygon") not in _SHAPES:
        kind = shape.get("shape_type") if isinstance(shape, dict) else shape
        raise InvalidLabelsError(f"{place} is a {kind!r:.40}; valid: {', '.join(_SHAPES)}")
    points = shape.get("points")
    fewest = 2 if shape.get("shape_type") == "rectangle" else 3
    if not isinstance(points, list) or len(points) < fewest or not all(_is_point(point) for point in points):
        raise InvalidLabelsError(f"{place}: points is {points!r:.80}; valid: at least {fewest} pairs of numbers")
    return checked_name(shape.get("label"), place), checked_box(*enclosing(points), size, place)


def _is_point(point: object) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(isinstance(value, int | float) for value in point)
