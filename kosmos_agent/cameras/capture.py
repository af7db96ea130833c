"""What OpenCV reads, as pictures: a capture that was opened for certain, and its frames as RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidImageError, NoImageError
from kosmos_agent.images import MAX_PIXELS


def opened(source: int | str, backend: int, name: str) -> cv2.VideoCapture:
    """NoImageError where it cannot be opened; InvalidImageError where its frames would be too large."""
    try:
        capture = cv2.VideoCapture(source, backend)
    except cv2.error as error:
        raise NoImageError(f"{name} cannot be opened ({error.err})") from error
    if not capture.isOpened():
        capture.release()
        raise NoImageError(f"{name} cannot be opened: it is not there, in use, not permitted, or of an unknown kind")
    width, height = (capture.get(prop) for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > MAX_PIXELS:
        capture.release()
        raise InvalidImageError(f"{name} has frames of {width:.0f} x {height:.0f}; valid: at most {MAX_PIXELS} pixels")
    return capture


def frame_of(capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
    """(H, W, 3) uint8 RGB, an array of its own; None where there is no further frame."""
    try:
        there, bgr = capture.read()
    except cv2.error:
        # A damaged file or a device that was unplugged; either way there is no frame.
        return None
    if not there or bgr is None or bgr.size == 0 or bgr.shape[0] * bgr.shape[1] > MAX_PIXELS:
        return None
    return np.ascontiguousarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
