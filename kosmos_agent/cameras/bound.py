"""`BoundFolder`: the one folder under which files may be read, whatever path is asked for."""

from __future__ import annotations

import stat
from pathlib import Path

from kosmos_agent.errors import InvalidArgumentError, NoImageError

_LONGEST_SHOWN = 200


class BoundFolder:
    """root: resolved once, when it is bound. InvalidArgumentError where it is no folder."""

    def __init__(self, root: str | Path) -> None:
        try:
            self.root = Path(root).resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise InvalidArgumentError(f"no folder {_shown(root)} to read from; valid: an existing folder") from error
        if not self.root.is_dir():
            raise InvalidArgumentError(f"{_shown(root)} is not a folder; valid: an existing folder")

    def resolved(self, path: str | Path) -> Path:
        """Where `path` (relative to the root, or absolute) really leads, links followed.

        InvalidArgumentError: outside the root, an address, or nothing a file system knows. It need not exist.
        """
        words = str(path)
        if "://" in words or "\0" in words or not words:
            raise InvalidArgumentError(f"{_shown(path)} is not a path; valid: a file under {self.root}")
        try:
            there = (self.root / path).resolve()
        except (OSError, RuntimeError) as error:
            raise InvalidArgumentError(f"{_shown(path)} leads nowhere; valid: a file under {self.root}") from error
        if not there.is_relative_to(self.root):
            raise InvalidArgumentError(f"{_shown(path)} leads outside; valid: a file under {self.root}")
        return there

    def file(self, path: str | Path, max_bytes: int) -> tuple[Path, int]:
        """The regular file and when it was last written, nanoseconds. NoImageError: there is none.

        InvalidArgumentError: as for `resolved`, a folder, pipe or device, or more than `max_bytes`.
        """
        there = self.resolved(path)
        try:
            known = there.stat()
        except OSError as error:
            raise NoImageError(f"no file {_shown(path)} under {self.root} ({error.strerror})") from error
        if not stat.S_ISREG(known.st_mode):
            raise InvalidArgumentError(f"{_shown(path)} is not a regular file; valid: a file under {self.root}")
        if known.st_size > max_bytes:
            raise InvalidArgumentError(f"{_shown(path)} has {known.st_size} bytes; valid: at most {max_bytes}")
        return there, known.st_mtime_ns


def _shown(path: str | Path) -> str:
    return repr(str(path)[:_LONGEST_SHOWN])
