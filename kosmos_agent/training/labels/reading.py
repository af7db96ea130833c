"""Named boxes from a folder in one of the formats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from kosmos_agent.errors import InvalidLabelsError
from kosmos_agent.training.labels.coco import read_coco
from kosmos_agent.training.labels.labelled import BoxedPicture, Tell
from kosmos_agent.training.labels.labelme import read_labelme
from kosmos_agent.training.labels.splits import divides, own_part
from kosmos_agent.training.labels.yolo import read_yolo
from kosmos_agent.training.recipe.models import BoxFormat

READERS: dict[BoxFormat, Callable[[Path, Tell], list[BoxedPicture]]] = {
    "coco": read_coco,
    "labelme": read_labelme,
    "yolo": read_yolo,
}


def _say_nothing(_: str) -> None:
    return None


def read_boxes(folder: Path, form: BoxFormat, tell: Tell = _say_nothing) -> list[BoxedPicture]:
    """All pictures in order, all checked. InvalidLabelsError names the file and the record that is wrong.

    tell: hears of files and records that are of another kind and passed over.
    """
    if not folder.is_dir():
        raise InvalidLabelsError(f"{folder} is no folder")
    pictures = [_placed(picture, folder) for picture in READERS[form](folder, tell)]
    if not any(picture.boxes for picture in pictures):
        raise InvalidLabelsError(f"{folder} holds no boxes")
    return pictures


def to_train_on(pictures: Sequence[BoxedPicture]) -> list[BoxedPicture]:
    """Without those that the export itself keeps for judging."""
    parts = [picture.part for picture in pictures]
    return [picture for picture in pictures if picture.part != "judge"] if divides(parts) else list(pictures)


def _placed(picture: BoxedPicture, folder: Path) -> BoxedPicture:
    """In the part of the folder that it lies in, where its labels do not say."""
    return picture if picture.part is not None else replace(picture, part=own_part(picture.path, folder))
