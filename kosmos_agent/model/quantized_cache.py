"""Where 8-bit weights are kept between runs: a folder for each set of weights, made once, whole or not at all.

In the user's cache. A folder is named by the SHA-256 of the weights that it was made of;
which weights a model folder holds is remembered by its files, their sizes and their times, as hashing gigabytes at
every start would take longer than loading them. Processes that start together make one set of weights once.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from kosmos_agent.errors import CheckpointError
from kosmos_agent.file_lock import held
from kosmos_agent.model.checkpoint import read_json, weight_files
from kosmos_agent.model.fingerprint import weights_sha256
from kosmos_agent.user_cache import cache_folder

FORMAT = 1
"""Of the files; rises when weights written before can no longer be read or would be quantised otherwise."""
MANIFEST = "manifest.json"
MOST_BYTES = 12 << 30
"""Of all quantised models together; the one longest unused goes first."""
_IDENTITIES = "identities.json"
_MOST_IDENTITIES = 64


class QuantizedCache:
    """The 8-bit models under `root`."""

    def __init__(self, root: Path | None = None, *, most_bytes: int = MOST_BYTES) -> None:
        self.root = (root or cache_folder()) / "int8"
        self._most_bytes = most_bytes

    def place(self, folder: Path) -> Path:
        """Where the 8-bit weights of this model folder are, or would be."""
        return self.root / f"{self.identity(folder)[:32]}-v{FORMAT}"

    def identity(self, folder: Path) -> str:
        """SHA-256 of the weights, read again only where a file is another one or was changed."""
        known = _read_or_empty(self.root / _IDENTITIES)
        key = json.dumps([[str(path.resolve()), *_signature(path)] for path in weight_files(folder)])
        if isinstance(found := known.get(key), str):
            return found
        digest = known[key] = weights_sha256(folder)
        latest = dict(list(known.items())[-_MOST_IDENTITIES:])
        with suppress(OSError):  # where nothing can be kept it is made again
            self.root.mkdir(parents=True, exist_ok=True)
            write_json_whole(self.root / _IDENTITIES, latest)
        return digest

    def make(self, folder: Path, write: Callable[[Path], None]) -> list[Path]:
        """Has `write` fill a new folder with safetensors files, and puts it in place when it is whole; the files.

        Waits where another process does so, and takes what that one made. OSError where the cache cannot be written.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        place = self.place(folder)
        with held(self.root / f".{place.name}.lock"):
            with suppress(CheckpointError):
                if made := self.files(folder):
                    return made
            names = self._make(folder, place, write)
        self._make_room(place)
        return [place / name for name in names]

    def _make(self, folder: Path, place: Path, write: Callable[[Path], None]) -> list[str]:
        """What stood there goes when the new folder is in place; whoever has mapped it keeps it."""
        with tempfile.TemporaryDirectory(prefix=".part-", dir=self.root) as scratch:
            whole = Path(scratch) / "whole"
            whole.mkdir()
            write(whole)
            sums = {path.name: _sum(path) for path in sorted(whole.glob("*.safetensors"))}
            write_json_whole(
                whole / MANIFEST, {"format": FORMAT, "weights_sha256": self.identity(folder), "sums": sums}
            )
            if place.exists():
                place.rename(Path(scratch) / "old")
            whole.rename(place)
        return list(sums)

    def files(self, folder: Path) -> list[Path] | None:
        """The safetensors files, all as they were written; None where there are none.

        CheckpointError, saying what is amiss, where they are not those that were written for these weights.
        """
        place = self.place(folder)
        if not place.is_dir():
            return None
        manifest = read_json(place / MANIFEST)
        if (manifest.get("format"), manifest.get("weights_sha256")) != (FORMAT, self.identity(folder)):
            raise CheckpointError(f"{place / MANIFEST} is of other weights or of another format")
        sums = manifest.get("sums")
        if not isinstance(sums, dict) or not sums:
            raise CheckpointError(f"{place / MANIFEST} names no files")
        for name, expected in sums.items():
            if not (place / name).is_file() or _sum(place / name) != expected:
                raise CheckpointError(f"{place / name} is not as it was written")
        with suppress(OSError):  # of a cache that may only be read nothing is removed either
            os.utime(place)
        return [place / name for name in sums]

    def notes(self, folder: Path) -> dict[str, Any]:
        """What `note` was told of these weights; empty where that cannot be read."""
        return _read_or_empty(self._notes(folder))

    def note(self, folder: Path, facts: dict[str, Any]) -> None:
        """Adds to the notes. OSError where the cache cannot be written."""
        self.root.mkdir(parents=True, exist_ok=True)
        write_json_whole(self._notes(folder), {**self.notes(folder), **facts})

    def _notes(self, folder: Path) -> Path:
        return self.place(folder).with_suffix(".json")

    def _make_room(self, newest: Path) -> None:
        others = [path for path in self.root.iterdir() if path.is_dir() and path != newest and path.name[0] != "."]
        room = self._most_bytes - _size(newest)
        for path in sorted(others, key=lambda item: item.stat().st_mtime, reverse=True):
            room -= _size(path)
            if room < 0:
                shutil.rmtree(path, ignore_errors=True)


def write_json_whole(file: Path, data: dict[str, Any]) -> None:
    """Whoever reads meanwhile sees the old file or the new one."""
    part = file.with_name(f".{file.name}-{os.getpid()}-{threading.get_ident()}")
    part.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    os.replace(part, file)


def _read_or_empty(file: Path) -> dict[str, Any]:
    try:
        return read_json(file)
    except CheckpointError:
        return {}


def _signature(path: Path) -> tuple[int, ...]:
    """The time of the last change of any kind, which copying does not carry over, tells weights of one shape apart."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _sum(path: Path) -> list[int]:
    """Size, and the sum of all 8-byte words: catches a broken disk or a half-written file, at memory speed."""
    size = path.stat().st_size
    words = np.memmap(path, dtype=np.uint64, mode="r", shape=(size // 8,))
    return [size, int(words.sum(dtype=np.uint64))]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
