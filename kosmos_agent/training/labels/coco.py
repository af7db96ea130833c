"""COCO: one JSON file with `images`, `annotations` (bbox: x, y, width, height in pixels) and `categories`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidLabelsError
from kosmos_agent.training.labels.labelled import (
    BoxedPicture,
    checked_box,
    checked_name,
    inside,
    picture_size,
    read_object,
)

_PARTS = ("images", "annotations", "categories")
_PICTURE_FOLDERS = ("", "images", "data")
"""Where exports put the pictures, seen from the JSON file's folder."""


def read_coco(folder: Path) -> list[BoxedPicture]:
    """`folder` (or a folder in it, or an `annotations` folder) holds JSON files; each one's pictures lie about it."""
    files = sorted(path for path in folder.rglob("*.json") if path.is_file())
    if not files:
        raise InvalidLabelsError(f"{folder} holds no COCO file; valid: a .json with {', '.join(_PARTS)}")
    return [picture for path in files for picture in _read_file(path, folder)]


def _read_file(path: Path, root: Path) -> list[BoxedPicture]:
    data = read_object(path)
    for part in _PARTS:
        if not isinstance(data.get(part), list) or not all(isinstance(item, dict) for item in data[part]):
            raise InvalidLabelsError(f"{path} has no list {part}; valid: a COCO file with {', '.join(_PARTS)}")
    names = {
        item.get("id"): checked_name(item.get("name"), f"{path} category {item.get('id')}")
        for item in data["categories"]
    }
    records = {item.get("id"): item for item in data["images"]}
    if len(records) != len(data["images"]):
        raise InvalidLabelsError(f"{path}: two images have one id; valid: an id of its own for each")
    boxes: dict[Any, list[tuple[str, tuple[float, float, float, float]]]] = {key: [] for key in records}
    files = {key: _picture(path, root, record) for key, record in records.items()}
    sizes = {key: picture_size(file, f"{path} image {key}") for key, file in files.items()}
    for key, record in records.items():
        stated = (record.get("width", sizes[key][0]), record.get("height", sizes[key][1]))
        if stated != sizes[key]:
            raise InvalidLabelsError(f"{path} image {key}: stated as {stated}, but {files[key]} is {sizes[key]}")
    for item in data["annotations"]:
        place = f"{path} annotation {item.get('id')}"
        if item.get("image_id") not in boxes:
            raise InvalidLabelsError(f"{place}: there is no image {item.get('image_id')!r}")
        if item.get("category_id") not in names:
            raise InvalidLabelsError(f"{place}: there is no category {item.get('category_id')!r}")
        corners = checked_box(*_edges(item.get("bbox"), place), sizes[item["image_id"]], place)
        boxes[item["image_id"]].append((names[item["category_id"]], corners))
    return [BoxedPicture(files[key], tuple(found)) for key, found in boxes.items()]


def _edges(bbox: object, place: str) -> tuple[object, object, object, object]:
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(isinstance(value, int | float) for value in bbox):
        raise InvalidLabelsError(f"{place}: bbox is {bbox!r:.80}; valid: x, y, width, height")
    return bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3]


def _picture(path: Path, root: Path, record: dict[str, Any]) -> Path:
    place = f"{path} image {record.get('id')}"
    tried = []
    for base in dict.fromkeys((path.parent, root, path.parent.parent if path.parent != root else root)):
        for name in _PICTURE_FOLDERS:
            file = inside(root, str((base / name).relative_to(root) / str(record.get("file_name"))), place)
            if file.is_file():
                return file
            tried.append(str(file))
    raise InvalidLabelsError(f"{place}: there is no picture {record.get('file_name')!r}; looked for {tried[0]}")
