"""Pictures from outside: bounded, upright, 8-bit RGB. What comes in is judged before it is decoded."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from kosmos_agent.errors import InvalidImageError

MAX_PIXELS = 64_000_000

# A closed list: Pillow's other readers include formats that start programs (EPS) or have no use here.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
VALID = "a PNG, JPEG, WebP, BMP, GIF, TIFF or PPM picture of at most 64 megapixels"

_SIXTEEN_BIT = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, struct.error, zlib.error)


def load_image(path: str | Path) -> Image.Image:
    """The picture at `path` as RGB, turned upright after its EXIF tag, transparency laid over white.

    Of an animation, the first frame. InvalidImageError when it is missing, not a file, not a picture, truncated,
    larger than `MAX_PIXELS` (judged from the header), or of a pixel type without a meaning as RGB.
    """
    path = Path(path)
    fault = _fault(path)
    if fault is not None:
        raise InvalidImageError(f"{path} {fault}; valid: {VALID}")
    with _opened(path, str(path), FORMATS) as image:
        return to_rgb(ImageOps.exif_transpose(image), str(path))


def decode_image(
    data: bytes, name: str = "the picture", *, formats: Sequence[str] = FORMATS, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """The picture in `data` as RGB, as its rows lie: a camera's picture is not turned after an EXIF tag.

    formats: which of `FORMATS` are taken. InvalidImageError as in `load_image`.
    """
    with _opened(io.BytesIO(data), name, formats, max_pixels) as image:
        return to_rgb(image, name)


def to_rgb(image: Image.Image, name: str = "the picture") -> Image.Image:
    """8-bit RGB from any mode that has a meaning as colour; 16-bit grey is scaled over its full range."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image.copy()
    if image.mode in _SIXTEEN_BIT:
        return _from_sixteen_bit(image, name)
    if image.mode == "F":
        raise InvalidImageError(f"{name} holds floating-point pixels; valid: 8 or 16 bits a channel")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise InvalidImageError(f"{name} has colour mode {image.mode}; valid: grey, RGB, palette or CMYK") from error


def as_rgb_array(image: Image.Image | NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8, contiguous, from a PIL picture or an array that is already RGB of that shape and type."""
    if isinstance(image, Image.Image):
        _check_size(image.width, image.height, "the picture")
        return np.asarray(to_rgb(image))
    if not isinstance(image, np.ndarray):
        raise InvalidImageError(f"a picture of type {type(image).__name__}; valid: PIL.Image or a NumPy array")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InvalidImageError(f"an array of shape {image.shape}, {image.dtype}; valid: (height, width, 3), uint8")
    _check_size(image.shape[1], image.shape[0], "the array")
    return np.ascontiguousarray(image)


def mirror_image(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3), left for right; contiguous."""
    return np.ascontiguousarray(rgb[:, ::-1])


@contextmanager
def _opened(
    source: Path | io.BytesIO, name: str, formats: Sequence[str], max_pixels: int = MAX_PIXELS
) -> Iterator[Image.Image]:
    """Judged from the header first, then decoded whole; InvalidImageError names what is wrong with it."""
    with _open(source, name, formats) as image:
        _check_size(image.width, image.height, name, max_pixels)
        try:
            image.load()
            yield image
        except _DECODING_ERRORS as error:
            raise InvalidImageError(f"{name} is truncated or damaged ({error}); valid: {VALID}") from error


def _open(source: Path | io.BytesIO, name: str, formats: Sequence[str]) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(source, formats=tuple(formats))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise InvalidImageError(f"{name} unpacks to too many pixels; valid: {VALID}") from error
        except UnidentifiedImageError as error:
            raise InvalidImageError(f"{name} is not a picture that can be read; valid: {VALID}") from error
        except PermissionError as error:
            raise InvalidImageError(f"{name} may not be read: permission denied") from error
        except _DECODING_ERRORS as error:
            raise InvalidImageError(f"{name} is truncated or damaged ({error}); valid: {VALID}") from error


def _fault(path: Path) -> str | None:
    """Why there is no file to open; the system may refuse even to look (no permission, too long a name)."""
    try:
        if path.is_file():
            return None
        return "is a folder, not a picture" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
    except OSError as error:
        return f"cannot be opened ({error.strerror})"


def _check_size(width: int, height: int, name: str, max_pixels: int = MAX_PIXELS) -> None:
    if width < 1 or height < 1:
        raise InvalidImageError(f"{name} is empty ({width} x {height}); valid: at least 1 x 1")
    if width * height > max_pixels:
        megapixels = width * height / 1e6
        valid = VALID if max_pixels == MAX_PIXELS else f"at most {max_pixels / 1e6:g} megapixels"
        raise InvalidImageError(f"{name} has {megapixels:.0f} megapixels ({width} x {height}); valid: {valid}")


def _from_sixteen_bit(image: Image.Image, name: str) -> Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise InvalidImageError(f"{name} has pixel values beyond 16 bits; valid: 8 or 16 bits a channel")
    return Image.fromarray((values // 257).astype(np.uint8)).convert("RGB")
