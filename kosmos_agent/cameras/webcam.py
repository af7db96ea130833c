"""`Webcam`: a camera that OpenCV can open, read on a thread of its own so that its pictures are never old ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.cameras.capture import frame_of, opened
from kosmos_agent.errors import InvalidArgumentError, NoImageError
from kosmos_agent.skills.camera import Shot

MAX_INDEX = 63
FAILURES_ALLOWED = 10
"""Frames in a row that may fail to come before the camera is said to have stopped."""
_PAUSE_S = 0.05


class Frames(Protocol):
    """A device that is open. `read` waits for a frame; None: none came."""

    def read(self) -> NDArray[np.uint8] | None: ...

    def release(self) -> None: ...


class _Device:
    def __init__(self, index: int) -> None:
        self._capture = opened(index, cv2.CAP_ANY, f"webcam {index}")
        # Best effort: many drivers keep a queue of old frames, which the reading thread empties anyway.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def read(self) -> NDArray[np.uint8] | None:
        return frame_of(self._capture)

    def release(self) -> None:
        self._capture.release()


class Webcam:
    """Only the newest frame is kept. stamp_ns: the wall clock when it came.

    index: as OpenCV counts cameras. device: opens it. InvalidArgumentError; NoImageError where it cannot be opened.
    """

    live = True

    def __init__(self, index: int = 0, *, device: Callable[[int], Frames] = _Device) -> None:
        if not 0 <= index <= MAX_INDEX:
            raise InvalidArgumentError(f"webcam {index}; valid: 0 to {MAX_INDEX}")
        self.name = f"webcam {index}"
        self._device = device(index)
        self._changed = threading.Condition()
        self._newest: tuple[NDArray[np.uint8], int, float] | None = None
        self._end: str | None = None
        self._thread = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._thread.start()

    def newest(self, after_ns: int | None = None, timeout_s: float = 5.0) -> Shot:
        """See `CameraSource.newest`. NoImageError also once it stopped or was closed, which is told at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._end is not None or self._is_newer(after_ns), timeout_s)
            if self._end is not None:
                raise NoImageError(f"{self.name} {self._end}")
            if self._newest is None or not self._is_newer(after_ns):
                raise NoImageError(f"{self.name} gave no {'picture' if self._newest is None else 'newer picture'}")
            rgb, stamp_ns, came_s = self._newest
            return Shot(rgb, stamp_ns, time.monotonic() - came_s)

    def close(self) -> None:
        """Ends the reading thread; it waits for the frame that is being read."""
        self._stop("is closed")
        self._thread.join(timeout=5.0)

    def _is_newer(self, after_ns: int | None) -> bool:
        return self._newest is not None and (after_ns is None or self._newest[1] > after_ns)

    def _stop(self, why: str) -> None:
        with self._changed:
            self._end = self._end or why
            self._changed.notify_all()

    def _read(self) -> None:
        failures = 0
        try:
            while self._end is None and failures < FAILURES_ALLOWED:
                rgb = self._device.read()
                failures = failures + 1 if rgb is None else 0
                if rgb is None:
                    time.sleep(_PAUSE_S)
                else:
                    self._keep(rgb)
            self._stop(f"stopped: {FAILURES_ALLOWED} frames in a row did not come; is it still plugged in?")
        finally:
            self._stop("ended by an error that the log holds")
            self._device.release()

    def _keep(self, rgb: NDArray[np.uint8]) -> None:
        with self._changed:
            # The wall clock may be set back; stamps of one camera never are.
            last_ns = 0 if self._newest is None else self._newest[1]
            self._newest = rgb, max(time.time_ns(), last_ns + 1), time.monotonic()
            self._changed.notify_all()
