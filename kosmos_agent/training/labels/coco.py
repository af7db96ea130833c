"""COCO: one JSON file with `images`, `annotations` (bbox: x, y, width, height in pixels) and `categories`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidLabelsError
from kosmos_agent.location import Corners
from kosmos_agent.training.labels.labelled import (
    BoxedPicture,
    Tell,
    checked_box,
    checked_name,
    inside,
    picture_size,
    read_object,
)
from kosmos_agent.training.labels.splits import own_part

_PARTS = ("images", "annotations", "categories")
_PICTURE_FOLDERS = ("", "images", "data")
"""Where exports put the pictures, seen from the JSON file's folder. COCO itself: `train2017` of instances_train2017."""


def read_coco(folder: Path, tell: Tell) -> list[BoxedPicture]:
    """`folder` (or a folder in it, or an `annotations` folder) holds JSON files; each one's pictures lie about it.

    Files without boxes of categories (captions), and files of key points beside others, are told of and passed over.
    """
    files = sorted(path for path in folder.rglob("*.json") if path.is_file())
    if not files:
        raise InvalidLabelsError(f"{folder} holds no COCO file; valid: a .json with {', '.join(_PARTS)}")
    found: dict[Path, list[BoxedPicture]] = {}
    passed: dict[Path, str] = {}
    with_points: list[Path] = []
    for path in files:
        data = read_object(path)
        wrong = _another_kind(data)
        if wrong is not None:
            passed[path] = wrong
        elif any("keypoints" in item for item in data["categories"]):
            with_points.append(path)
        else:
            found[path] = _read_data(data, path, folder, tell)
    if not found and not with_points:
        raise InvalidLabelsError(f"{files[0]} {passed[files[0]]}; valid: a COCO file with {', '.join(_PARTS)}")
    if found:
        passed.update(dict.fromkeys(with_points, "labels key points"))
    else:
        found = {path: _read_data(read_object(path), path, folder, tell) for path in with_points}
    for path, wrong in passed.items():
        tell(f"{path} {wrong}: passed over")
    return _once(found)


def _another_kind(data: dict[str, Any]) -> str | None:
    """What keeps the object from being a COCO file of boxes."""
    for part in _PARTS:
        if not isinstance(data.get(part), list) or not all(isinstance(item, dict) for item in data[part]):
            return f"has no list {part}"
    return None


def _once(found: dict[Path, list[BoxedPicture]]) -> list[BoxedPicture]:
    """A picture that two files label would be learnt with half of its boxes each time."""
    seen: dict[Path, Path] = {}
    for file, pictures in found.items():
        for picture in pictures:
            if seen.setdefault(picture.path, file) != file:
                raise InvalidLabelsError(
                    f"{picture.path} is labelled in {seen[picture.path]} and in {file}; valid: one"
                )
    return [picture for pictures in found.values() for picture in pictures]


def _read_data(data: dict[str, Any], path: Path, root: Path, tell: Tell) -> list[BoxedPicture]:
    names = {
        item.get("id"): checked_name(item.get("name"), f"{path} category {item.get('id')}")
        for item in data["categories"]
    }
    files = _files(data, path, root)
    sizes = {key: picture_size(file, f"{path} image {key}") for key, file in files.items()}
    for record in data["images"]:
        key = record.get("id")
        stated = (record.get("width", sizes[key][0]), record.get("height", sizes[key][1]))
        if stated != sizes[key]:
            raise InvalidLabelsError(f"{path} image {key}: stated as {stated}, but {files[key]} is {sizes[key]}")
    boxes: dict[Any, list[tuple[str, Corners]]] = {key: [] for key in files}
    crowds: dict[Any, list[str]] = {key: [] for key in files}
    for item in data["annotations"]:
        place = f"{path} annotation {item.get('id')}"
        if item.get("image_id") not in boxes:
            raise InvalidLabelsError(f"{place}: there is no image {item.get('image_id')!r}")
        if item.get("category_id") not in names:
            raise InvalidLabelsError(f"{place}: there is no category {item.get('category_id')!r}")
        if item.get("iscrowd"):
            crowds[item["image_id"]].append(names[item["category_id"]])
            continue
        corners = checked_box(*_edges(item.get("bbox"), place), sizes[item["image_id"]], place)
        boxes[item["image_id"]].append((names[item["category_id"]], corners))
    count = sum(map(len, crowds.values()))
    if count:
        tell(f"{path}: {count} boxes around crowds (iscrowd) passed over: they show no single thing")
    part = own_part(path, root)
    return [BoxedPicture(files[key], tuple(found), part, tuple(crowds[key])) for key, found in boxes.items()]


def _files(data: dict[str, Any], path: Path, root: Path) -> dict[Any, Path]:
    """Pictures by their image's id."""
    files = {record.get("id"): _picture(path, root, record) for record in data["images"]}
    if len(files) != len(data["images"]):
        raise InvalidLabelsError(f"{path}: two images have one id; valid: an id of its own for each")
    return files


def _edges(bbox: object, place: str) -> tuple[object, object, object, object]:
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(isinstance(value, int | float) for value in bbox):
        raise InvalidLabelsError(f"{place}: bbox is {bbox!r:.80}; valid: x, y, width, height")
    return bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3]


def _picture(path: Path, root: Path, record: dict[str, Any]) -> Path:
    place = f"{path} image {record.get('id')}"
    tried = []
    for base in dict.fromkeys((path.parent, root, path.parent.parent if path.parent != root else root)):
        for name in (*_PICTURE_FOLDERS, path.stem.rpartition("_")[2]):
            file = inside(root, str((base / name).relative_to(root) / str(record.get("file_name"))), place)
            if file.is_file():
                return file
            tried.append(str(file))
    raise InvalidLabelsError(f"{place}: there is no picture {record.get('file_name')!r}; looked for {tried[0]}")
