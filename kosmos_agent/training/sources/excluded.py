"""Pictures that must not be trained on, as judges see them: image ids or file names, one a line.

The published tuning leaves out about 20K LLaVA items on pictures of the val and test sets of RefCOCO, RefCOCO+ and
RefCOCOg (specification 6.2). COCO calls one picture by several names (`COCO_train2014_000000098304.jpg`,
`000000098304.jpg`, the id 98304): they are compared by the number in them, with or without a suffix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import InvalidConfigError
from kosmos_agent.evaluation.benchmarks.files import AnnotationFiles

_COCO_NAME = re.compile(r"(?:COCO_[a-z]+[0-9]{4}_)?([0-9]{12})(?:\.\w+)?|([0-9]+)")


def picture_key(name: str) -> str:
    """A COCO name and an id as their number, any other name as it is, without folders."""
    base = PurePosixPath(name.strip()).name
    found = _COCO_NAME.fullmatch(base)
    return (found[1] or found[2]).lstrip("0") or "0" if found else base


class Excluded:
    """The lines of a file. InvalidConfigError where there is no such file, or nothing in it."""

    def __init__(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidConfigError(f"exclude: cannot read {path} ({error}); valid: image ids or names") from error
        self._keys = {picture_key(line) for line in lines if line.strip()}
        if not self._keys:
            raise InvalidConfigError(f"exclude: {path} is empty; valid: image ids or names, one a line")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and picture_key(name) in self._keys


@dataclass(frozen=True)
class _Image:
    file_name: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class _File:
    images: list[_Image]


_ADAPTER = TypeAdapter(_File)


def names_in(files: Sequence[Path]) -> list[str]:
    """Pictures of MDETR's or COCO's annotation files, each once. InvalidDatasetError for a file of another kind."""
    return sorted(set(_names(files)))


def _names(files: Iterable[Path]) -> Iterable[str]:
    for file in files:
        for image in AnnotationFiles().json(file, _ADAPTER).images:
            yield image.file_name
