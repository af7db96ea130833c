"""A file of one JSON object a line, by line number, without holding it in memory."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidSampleError

MAX_LINE_BYTES = 16 * 2**20


class JsonLines:
    """Empty lines do not count. InvalidSampleError for a missing or empty file, and for a line that is no object.

    starts: the offset of each line, where somebody knows them; without, the file is gone through.
    """

    def __init__(self, path: Path, starts: NDArray[np.int64] | None = None) -> None:
        self.path = path
        self._starts: Sequence[int] = array("q", starts.tobytes()) if starts is not None else self._found()

    @property
    def starts(self) -> NDArray[np.int64]:
        return np.array(self._starts, np.int64)

    def _found(self) -> Sequence[int]:
        path, found = self.path, array("q")
        try:
            with path.open("rb") as file:
                start = 0
                for line in file:
                    if line.strip():
                        found.append(start)
                    start += len(line)
        except OSError as error:
            raise InvalidSampleError(f"cannot read {path}: {error.strerror}") from error
        if not found:
            raise InvalidSampleError(f"{path} holds no lines; valid: one JSON object a line")
        return found

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> dict[str, Any]:
        with self.path.open("rb") as file:
            file.seek(self._starts[index])
            line = file.readline(MAX_LINE_BYTES + 1)
        place = f"{self.path} record {index + 1}"
        if len(line) > MAX_LINE_BYTES:
            raise InvalidSampleError(f"{place} is longer than {MAX_LINE_BYTES} bytes")
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidSampleError(f"{place} is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise InvalidSampleError(f"{place} holds a {type(found).__name__}; valid: an object")
        return found

    def text(self, index: int, *names: str) -> str:
        """The first of the fields that is there; it must hold text."""
        record = self[index]
        name = next((name for name in names if name in record), names[0])
        value = record.get(name)
        if not isinstance(value, str) or not value.strip():
            raise InvalidSampleError(f"{self.path} record {index + 1}: {name} is {value!r:.60}; valid: text")
        return value
