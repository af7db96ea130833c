"""What was found by reading whole files, kept beside a run: used again as long as the files keep their size and time.

A source of the paper's size takes hours to go through. The process that leads does it once; the others of the run, and
the next start, read what it found.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INDEX_FOLDER = "index"
_FACTS, _NOTES = "facts", "notes"


@dataclass(frozen=True)
class Found:
    """Whole numbers by name; notes: what was passed over, told at every start."""

    numbers: Mapping[str, NDArray[np.int64]]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Index:
    """folder: where it is kept; None keeps nothing."""

    folder: Path | None = None

    def found(self, name: str, facts: Mapping[str, Any], find: Callable[[], Found]) -> Found:
        """What `find` gives. name: of the source. facts: all that the answer hangs on; others make it anew."""
        if self.folder is None:
            return find()
        said = json.dumps(facts, sort_keys=True)
        path = self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.npz"
        known = _read(path, said)
        if known is None:
            known = find()
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(path, said, known)
        return known


NO_INDEX = Index()


def stamp(path: Path) -> list[int]:
    """Size and time of the last change; of a folder, of its list of names."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _read(path: Path, facts: str) -> Found | None:
    """None for an index of other facts, and for a broken one."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored[_FACTS]) != facts:
                return None
            numbers = {name: stored[name] for name in stored.files if name not in (_FACTS, _NOTES)}
            return Found(numbers, tuple(json.loads(str(stored[_NOTES]))))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _write(path: Path, facts: str, found: Found) -> None:
    """Beside the old one, then in its place."""
    fresh = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    arrays: dict[str, Any] = {_FACTS: np.array(facts), _NOTES: np.array(json.dumps(found.notes)), **found.numbers}
    np.savez(fresh, **arrays)
    fresh.replace(path)
