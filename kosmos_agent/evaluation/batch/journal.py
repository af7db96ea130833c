"""Records on disk, a line each, written picture by picture; what was written once is not asked again.

The first line says what the records were made of. A run with another model, other data or other settings is refused,
so that no file ever holds two kinds of records.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from kosmos_agent.errors import ChangedRunError

RECORDS_FILE = "records.jsonl"
FORMAT = 1

R = TypeVar("R")


class Journal(Generic[R]):
    """`made_of`: JSON values by name. `records`: those that the file held when it was opened.

    A torn last line, of a run that was killed while it wrote, is cut off. ChangedRunError when the file was made of
    something else, or holds what is no record.
    """

    def __init__(self, path: Path, adapter: TypeAdapter[R], made_of: Mapping[str, Any]) -> None:
        self.path = path
        self._adapter = adapter
        header = json.dumps({"format": FORMAT, **made_of}, sort_keys=True, ensure_ascii=False)
        self.records: list[R] = []
        if path.exists() and path.stat().st_size:
            self._read(header)
        else:
            path.write_text(header + "\n", encoding="utf-8")

    def keep(self, count: int) -> None:
        """Drops the records behind the first `count`: those of a picture that was not finished."""
        if count == len(self.records):
            return
        lines = self.path.read_bytes().split(b"\n")[: count + 1]
        self._cut(sum(len(line) + 1 for line in lines))
        del self.records[count:]

    def add(self, records: Sequence[R]) -> None:
        """All records of one picture, on disk when it returns."""
        lines = b"".join(self._adapter.dump_json(record) + b"\n" for record in records)
        with self.path.open("ab") as file:
            file.write(lines)
        self.records += records

    def _read(self, header: str) -> None:
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        # Not splitlines: a text may hold one of the other marks that end a line.
        first, *lines, _ = whole.decode("utf-8", errors="replace").split("\n") if whole else ("", "")
        if first != header:
            raise ChangedRunError(f"{self.path}: {_difference(first, header)}; valid: the same run, or another --out")
        for number, line in enumerate(lines, start=2):
            try:
                self.records.append(self._adapter.validate_json(line))
            except ValidationError as error:
                raise ChangedRunError(f"{self.path} line {number} is no record of this run") from error
        if len(whole) < len(data):
            self._cut(len(whole))

    def _cut(self, size: int) -> None:
        """What stays is never written again, so that nothing is lost if this is interrupted."""
        with self.path.open("r+b") as file:
            file.truncate(size)


def _difference(found: str, wanted: str) -> str:
    try:
        before = json.loads(found)
    except ValueError:
        return "its first line does not say what it was made of"
    if not isinstance(before, dict):
        return "its first line does not say what it was made of"
    now = json.loads(wanted)
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    return "; ".join(f"{name} was {before.get(name)!r} and is now {now.get(name)!r}" for name in names)
