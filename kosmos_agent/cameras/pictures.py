"""Pictures that lie in files: one, or a folder of them. None is live: a photograph is as old as it is."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from kosmos_agent.cameras.bound import BoundFolder
from kosmos_agent.errors import InvalidArgumentError, NoImageError
from kosmos_agent.images import load_image
from kosmos_agent.skills.camera import Shot

MAX_PICTURE_BYTES = 256_000_000
MAX_FILES = 100_000
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"})
Order = Literal["newest", "in turn"]


class _Reader:
    """Decodes a file once for as long as it is not written to again."""

    def __init__(self, folder: BoundFolder) -> None:
        self._folder = folder
        self._read: tuple[Path, int, Shot] | None = None

    def shot(self, path: str | Path) -> Shot:
        """stamp_ns: when the file was last written, which is all that it says about when it was taken."""
        there, written_ns = self._folder.file(path, MAX_PICTURE_BYTES)
        if self._read is None or self._read[:2] != (there, written_ns):
            rgb = np.asarray(load_image(there))
            self._read = there, written_ns, Shot(rgb, written_ns, 0.0)
        known = self._read[2]
        return Shot(known.rgb, known.stamp_ns, max(time.time() - written_ns / 1e9, 0.0))


class PictureFile:
    """One picture under `root`, read anew whenever the file was written again.

    InvalidArgumentError, NoImageError and InvalidImageError when it is made, so that a wrong path is told at once.
    """

    live = False

    def __init__(self, path: str | Path, *, root: str | Path = ".") -> None:
        self.name = f"the picture {str(path)[:200]!r}"
        self._path, self._reader = path, _Reader(BoundFolder(root))
        self._lock = threading.Lock()
        self.newest()

    def newest(self, after_ns: int | None = None, timeout_s: float = 5.0) -> Shot:
        """See `CameraSource.newest`. NoImageError: it is gone; InvalidImageError: it is no picture any more."""
        with self._lock:
            return self._reader.shot(self._path)

    def close(self) -> None:
        """Nothing is held."""


class Folder:
    """A folder of pictures under `root`; other files in it are passed over, and folders in it are not entered.

    order: `newest` gives the last by name (numbered or dated names sort by time); `in turn` gives each in the order of
    names, one a call, and begins again after the last. InvalidArgumentError where it is no folder under `root`.
    """

    live = False

    def __init__(self, path: str | Path = ".", *, root: str | Path = ".", order: Order = "newest") -> None:
        if order not in get_args(Order):
            raise InvalidArgumentError(f"order {order!r}; valid: {', '.join(get_args(Order))}")
        self.name = f"the folder {str(path)[:200]!r}"
        bound = BoundFolder(root)
        self._folder = BoundFolder(bound.resolved(path))
        self._order, self._reader = order, _Reader(bound)
        self._lock, self._turn = threading.Lock(), 0

    def newest(self, after_ns: int | None = None, timeout_s: float = 5.0) -> Shot:
        """See `CameraSource.newest`. NoImageError: it holds no picture."""
        with self._lock:
            names = self._names()
            if not names:
                raise NoImageError(f"{self.name} holds no picture; valid names end in {', '.join(sorted(SUFFIXES))}")
            name = names[-1] if self._order == "newest" else names[self._turn % len(names)]
            self._turn += 1
            return self._reader.shot(self._folder.root / name)

    def close(self) -> None:
        """Nothing is held."""

    def _names(self) -> list[str]:
        names = [path.name for path in self._folder.root.iterdir() if path.suffix.lower() in SUFFIXES]
        if len(names) > MAX_FILES:
            raise InvalidArgumentError(f"{self.name} holds {len(names)} pictures; valid: at most {MAX_FILES}")
        return sorted(name for name in names if (self._folder.root / name).is_file())
