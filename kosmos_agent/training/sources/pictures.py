"""Pictures that a data file names: inside one folder, of bounded size."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from kosmos_agent.errors import InvalidImageError, InvalidSampleError
from kosmos_agent.images import decode_image

MAX_PICTURE_BYTES = 64 * 2**20


def open_picture(folder: Path, name: object, place: str) -> Image.Image:
    """InvalidSampleError, beginning with `place`, for a name outside the folder and an unusable picture."""
    if not isinstance(name, str) or not name:
        raise InvalidSampleError(f"{place}: the picture is {name!r:.60}; valid: the name of a file")
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise InvalidSampleError(f"{place}: picture {name!r} lies outside {folder}")
    try:
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise InvalidSampleError(f"{place}: {path} is larger than {MAX_PICTURE_BYTES} bytes")
        return decode_image(path.read_bytes(), f"picture {path}")
    except OSError as error:
        raise InvalidSampleError(f"{place}: cannot read {path}: {error.strerror}") from error
    except InvalidImageError as error:
        raise InvalidSampleError(f"{place}: {error}") from error
