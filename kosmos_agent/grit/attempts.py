"""Which pair a process is at, on disk: when it is killed there, the pair has a name afterwards.

A mark holds a line for each time that the work began, and goes when the work ended, well or not. Only a process that
was killed leaves one behind, so that its lines count deaths. Who ends a run of many processes, and thereby kills them,
takes their marks back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kosmos_agent.grit.errors import PipelineError

ATTEMPTS = "attempts"
"""Folder, inside of a built one, with a folder for each shard that is under way."""
_ENDED = ".ended"
"""There from the end of a run to the next, for processes that outlive it; no shard has a dot in front."""


class Attempts:
    """Marks by shard and name; a mark of another key under the same name is not counted, the pairs having changed."""

    def __init__(self, folder: Path) -> None:
        """PipelineError where it is not there: this machine does not see what the first one made."""
        if not folder.is_dir():
            raise PipelineError(f"{folder} is no folder here; valid: an --out that every machine sees under this path")
        self._folder = folder

    def deaths(self, shard: str, name: str, key: str) -> int:
        """How often a process ended under this mark."""
        path = self._path(shard, name)
        with _told(path):
            lines = path.read_bytes().splitlines() if path.exists() else []
        return lines.count(json.dumps(key).encode())

    @contextmanager
    def mark(self, shard: str, name: str, key: str) -> Iterator[None]:
        """PipelineError where it cannot be written: without marks, one picture could end every run; and after `end`."""
        path = self._path(shard, name)
        if (self._folder / _ENDED).exists():
            raise PipelineError("the run has ended")
        with _told(path):
            path.parent.mkdir(exist_ok=True)
            with path.open("a", encoding="ascii") as file:
                file.write(json.dumps(key) + "\n")
        try:
            yield
        finally:
            with _told(path):
                path.unlink(missing_ok=True)

    def begin(self) -> None:
        """A run, after one that was ended or not."""
        with _told(self._folder / _ENDED):
            (self._folder / _ENDED).unlink(missing_ok=True)

    def counts(self) -> dict[Path, int]:
        """Lines of each mark."""
        found = {}
        for path in self._folder.glob("*/*"):
            with suppress(FileNotFoundError):
                found[path] = len(path.read_bytes().splitlines())
        return found

    def end(self, before: dict[Path, int]) -> None:
        """Of a run whose processes are ended with it: what they are at does not count as a death, deaths stay.

        before: `counts` when the run began. A line behind another says that the earlier was a death; of the newest
        nobody knows, and it is taken back.
        """
        (self._folder / _ENDED).touch()
        for path, count in self.counts().items():
            if count <= before.get(path, 0):
                continue
            with suppress(FileNotFoundError):  # of a process that got done meanwhile
                lines = path.read_bytes().splitlines(keepends=True)[:-1]
                if lines:
                    path.write_bytes(b"".join(lines))
                else:
                    path.unlink()

    def forget(self, shard: str) -> None:
        shutil.rmtree(self._folder / shard, ignore_errors=True)

    def _path(self, shard: str, name: str) -> Path:
        return self._folder / shard / name


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PipelineError(f"the mark {path} cannot be kept: {error.strerror}; valid: an --out to write to") from error
