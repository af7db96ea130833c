"""Annotation files, bounded and strict, and the one folder that pictures may come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from kosmos_agent.errors import InvalidDatasetError

MAX_ANNOTATION_BYTES = 2**30
MAX_SMALL_BYTES = 2**20
"""Of a file that holds one picture's annotations."""
MAX_PICTURE_BYTES = 64 * 2**20

T = TypeVar("T")


class AnnotationFiles:
    """Reads files and remembers what was read; `digest` is the same for the same contents in the same order."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._sha256.hexdigest()

    def read(self, path: Path, limit: int = MAX_ANNOTATION_BYTES) -> bytes:
        """InvalidDatasetError when there is no such file, or it is larger than `limit` bytes."""
        try:
            size = path.stat().st_size
            if size > limit:
                raise InvalidDatasetError(f"{path} has {size} bytes; valid: at most {limit}")
            data = path.read_bytes()
        except OSError as error:
            raise InvalidDatasetError(f"{path} cannot be read ({error.strerror})") from error
        self._sha256.update(len(data).to_bytes(8, "little") + data)
        return data

    def text(self, path: Path, limit: int = MAX_ANNOTATION_BYTES) -> str:
        try:
            return self.read(path, limit).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidDatasetError(f"{path} is not UTF-8 ({error})") from error

    def json(self, path: Path, adapter: TypeAdapter[T]) -> T:
        """The file as the adapter's type. InvalidDatasetError names the entry that does not fit."""
        try:
            data = json.loads(self.read(path))
        except (ValueError, RecursionError) as error:
            raise InvalidDatasetError(f"{path} is not JSON ({error})") from error
        return validated(data, adapter, str(path))


def validated(data: Any, adapter: TypeAdapter[T], place: str) -> T:
    """InvalidDatasetError, naming `place` and the first field that is wrong."""
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InvalidDatasetError(f"{place}: {where + ': ' if where else ''}{first['msg']}{more}") from error


class PictureFolder:
    """Pictures below `root`, looked for in it and in its `subfolders`; never outside it, links followed.

    Their paths are whole, so that a process in another folder finds them too.
    """

    def __init__(self, root: Path, subfolders: tuple[str, ...] = ()) -> None:
        if not root.is_dir():
            raise InvalidDatasetError(f"{root} is no folder of pictures; valid: the folder that the benchmark's lie in")
        self.root = root
        self.subfolders = ("", *subfolders)

    def path(self, name: str) -> Path:
        """InvalidDatasetError for a name that leaves the folder, and where there is no such file."""
        relative = PurePosixPath(name)
        if not name or relative.is_absolute() or ".." in relative.parts or any(mark in name for mark in "\\:\0"):
            raise InvalidDatasetError(f"picture {name!r} is outside {self.root}; valid: a name inside it")
        real_root = self.root.resolve()
        for subfolder in self.subfolders:
            path = self.root / subfolder / relative
            if not path.is_file():
                continue
            if not path.resolve().is_relative_to(real_root):
                raise InvalidDatasetError(f"picture {name!r} is a link to outside {self.root}")
            if path.stat().st_size > MAX_PICTURE_BYTES:
                raise InvalidDatasetError(f"picture {path} is larger than {MAX_PICTURE_BYTES} bytes")
            return path.absolute()
        places = ", ".join(str(self.root / subfolder) for subfolder in self.subfolders)
        raise InvalidDatasetError(f"no picture {name!r} in {places}")

    def digest(self, names: Iterable[str]) -> str:
        """Of the names and sizes of these pictures; InvalidDatasetError for the first that is not there."""
        sha256 = hashlib.sha256()
        for name in names:
            sha256.update(f"{name}\0{self.path(name).stat().st_size}\n".encode())
        return sha256.hexdigest()


def unique(names: Iterable[str], place: str) -> None:
    """InvalidDatasetError for an id that comes twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidDatasetError(f"{place}: id {name} comes twice; valid: each once")
        seen.add(name)
