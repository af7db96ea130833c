"""A camera from the words of a command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kosmos_agent.cameras.pictures import Folder, PictureFile
from kosmos_agent.cameras.video import VideoFile
from kosmos_agent.cameras.webcam import Webcam
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.skills.camera import CameraSource

VALID = "file:PATH, folder:PATH (the last by name), frames:PATH (a folder's, in turn), video:PATH, webcam:NUMBER"


def open_camera(words: str, *, root: str | Path = ".") -> CameraSource:
    """One of `VALID`; paths are read only under `root`. InvalidArgumentError, and what the camera itself raises."""
    kind, colon, rest = words.partition(":")
    if not colon or kind not in _KINDS or not rest:
        raise InvalidArgumentError(f"camera {words[:200]!r}; valid: {VALID}")
    return _KINDS[kind](rest, root)


def _webcam(rest: str, _: str | Path) -> CameraSource:
    if not (rest.isascii() and rest.isdigit() and len(rest) <= 2):
        raise InvalidArgumentError(f"webcam {rest[:200]!r}; valid: a number, 0 for the first")
    return Webcam(int(rest))


_KINDS: dict[str, Callable[[str, str | Path], CameraSource]] = {
    "file": lambda rest, root: PictureFile(rest, root=root),
    "folder": lambda rest, root: Folder(rest, root=root),
    "frames": lambda rest, root: Folder(rest, root=root, order="in turn"),
    "video": lambda rest, root: VideoFile(rest, root=root),
    "webcam": _webcam,
}
