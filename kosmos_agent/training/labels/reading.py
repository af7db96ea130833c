"""Named boxes from a folder in one of the formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kosmos_agent.errors import InvalidLabelsError
from kosmos_agent.training.labels.coco import read_coco
from kosmos_agent.training.labels.labelled import BoxedPicture
from kosmos_agent.training.labels.labelme import read_labelme
from kosmos_agent.training.labels.yolo import read_yolo
from kosmos_agent.training.recipe.models import BoxFormat

READERS: dict[BoxFormat, Callable[[Path], list[BoxedPicture]]] = {
    "coco": read_coco,
    "labelme": read_labelme,
    "yolo": read_yolo,
}


def read_boxes(folder: Path, form: BoxFormat) -> list[BoxedPicture]:
    """All pictures in order, all checked. InvalidLabelsError names the file and the record that is wrong."""
    if not folder.is_dir():
        raise InvalidLabelsError(f"{folder} is no folder")
    pictures = READERS[form](folder)
    if not any(picture.boxes for picture in pictures):
        raise InvalidLabelsError(f"{folder} holds no boxes")
    return pictures
