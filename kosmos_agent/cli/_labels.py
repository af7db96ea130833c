"""A folder of pictures with `labels.jsonl`: one JSON object a line, with the picture's file and its phrases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from kosmos_agent.errors import InvalidArgumentError, InvalidBoxError
from kosmos_agent.evaluation.grounding import LabelledPhrase
from kosmos_agent.images import load_image
from kosmos_agent.results import Box

LABELS_FILE = "labels.jsonl"
MAX_BYTES = 64 << 20


class _Phrase(BaseModel):
    text: str
    kind: str
    boxes: list[tuple[float, float, float, float]]

    def labelled(self) -> LabelledPhrase:
        boxes = tuple(Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in self.boxes)
        return LabelledPhrase(self.text, self.kind, boxes)


class _Line(BaseModel):
    image: str
    phrases: list[_Phrase]


@dataclass(frozen=True)
class LabelledFile:
    path: Path
    phrases: tuple[LabelledPhrase, ...]

    def load(self) -> tuple[NDArray[np.uint8], tuple[LabelledPhrase, ...]]:
        """The picture, (H, W, 3) uint8, and its phrases. InvalidImageError as `images.load_image`."""
        return np.asarray(load_image(self.path)), self.phrases


def read_labelled_folder(folder: Path) -> list[LabelledFile]:
    """All labels, no picture yet. InvalidArgumentError names the line that is wrong."""
    path = folder / LABELS_FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidArgumentError(f"{path} is over {MAX_BYTES >> 20} MiB")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"{path} cannot be read ({error}); valid: tabletop, or a folder that holds it"
        ) from error
    return [_read(folder, line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _read(folder: Path, line: str, number: int) -> LabelledFile:
    try:
        parsed = _Line.model_validate_json(line)
        phrases = tuple(phrase.labelled() for phrase in parsed.phrases)
    except (ValidationError, InvalidBoxError) as error:
        raise InvalidArgumentError(f"{folder / LABELS_FILE} line {number}: {error}") from error
    path = folder / parsed.image
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidArgumentError(f"{folder / LABELS_FILE} line {number}: {parsed.image!r} lies outside the folder")
    return LabelledFile(path, phrases)
