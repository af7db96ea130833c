"""`VideoFile`: a film, a frame for each look."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import cv2

from kosmos_agent.cameras.bound import BoundFolder
from kosmos_agent.cameras.capture import frame_of, opened
from kosmos_agent.errors import InvalidArgumentError, NoImageError
from kosmos_agent.skills.camera import Shot

MAX_VIDEO_BYTES = 16_000_000_000
_BEGINNINGS = re.compile(
    rb"....(?:ftyp|moov|mdat|wide|free)|RIFF....AVI |\x1a\x45\xdf\xa3|\x00\x00\x01\xba|OggS", re.DOTALL
)
VALID = "an MP4, MOV, AVI, MKV, WebM, MPEG or Ogg film"
"""A closed list, told by content: among what else the decoder opens are play lists, which name files and addresses."""


class VideoFile:
    """A film under `root`. Each look takes the next frame and `newest(after_ns)` the first one past that moment; the
    last frame stays. It is not live: its time is the film's own.

    step_s: between two looks; None: every frame. InvalidArgumentError, NoImageError (it cannot be opened).
    """

    live = False

    def __init__(self, path: str | Path, *, root: str | Path = ".", step_s: float | None = None) -> None:
        if step_s is not None and not 0 < step_s < 86_400:
            raise InvalidArgumentError(f"step_s {step_s}; valid: above 0, below a day, or None")
        self.name = f"the film {str(path)[:200]!r}"
        there, self._written_ns = BoundFolder(root).file(path, MAX_VIDEO_BYTES)
        if not _is_film(there):
            raise InvalidArgumentError(f"{self.name} is of no known kind; valid: {VALID}")
        self._capture = opened(str(there), cv2.CAP_FFMPEG, self.name)
        self._step_ns = None if step_s is None else round(step_s * 1e9)
        self._lock, self._ended = threading.Lock(), False
        self._last: Shot | None = None

    def newest(self, after_ns: int | None = None, timeout_s: float = 5.0) -> Shot:
        """See `CameraSource.newest`. stamp_ns: since the film's beginning. NoImageError: not one frame is in it."""
        with self._lock:
            if self._ended:
                raise NoImageError(f"{self.name} is closed")
            self._last = self._next(self._wanted_ns(after_ns))
            return Shot(self._last.rgb, self._last.stamp_ns, max(time.time() - self._written_ns / 1e9, 0.0))

    def close(self) -> None:
        with self._lock:
            self._ended = True
            self._capture.release()

    def _wanted_ns(self, after_ns: int | None) -> int:
        """The earliest moment of the next frame to give."""
        stepped_ns = 0
        if self._step_ns is not None and self._last is not None:
            stepped_ns = (self._last.stamp_ns or 0) + self._step_ns
        return max(stepped_ns, -1 if after_ns is None else after_ns + 1)

    def _next(self, wanted_ns: int) -> Shot:
        """The first frame from `wanted_ns` on, or the last of all."""
        best = self._last
        while (rgb := frame_of(self._capture)) is not None:
            best = Shot(rgb, round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6), 0.0)
            if (best.stamp_ns or 0) >= wanted_ns:
                break
        if best is None:
            raise NoImageError(f"{self.name} holds no frame that can be read")
        return best


def _is_film(path: Path) -> bool:
    """NoImageError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return _BEGINNINGS.match(file.read(12)) is not None
    except OSError as error:
        raise NoImageError(f"{path} cannot be read ({error.strerror})") from error
