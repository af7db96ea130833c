"""The pixel layouts of sensor_msgs/Image, both ways: bytes of one encoding <-> 8-bit RGB. No ROS here.

Names and meanings: sensor_msgs/image_encodings.hpp. `yuv422` and `yuv422_yuy2` are the old names of `uyvy` and `yuyv`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidImageError
from kosmos_agent.images import MAX_PIXELS

Pixels = NDArray[Any]
Rgb = NDArray[np.uint8]

MIN_MOSAIC_SIDE = 4
"""Narrower mosaics are all border to OpenCV's interpolation."""


@dataclass(frozen=True)
class Layout:
    """How pixels lie in a row: values per pixel, bytes per value, and the way to (H, W, 3) RGB and back."""

    channels: int
    itemsize: int
    to_rgb: Callable[[Pixels], Rgb]
    from_rgb: Callable[[Rgb], Pixels]
    multiple: int = 1
    """Width, and with mosaics height too, is a multiple of this."""
    mosaic: bool = False


def _converted(code: int) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), code))


def _mosaic(first_row: str, second_row: str) -> Callable[[Rgb], Pixels]:
    """Keeps one colour of each pixel, by the 2 x 2 pattern that repeats from the top-left corner."""
    channel = {"r": 0, "g": 1, "b": 2}

    def sampled(rgb: Rgb) -> Pixels:
        out = np.empty(rgb.shape[:2], dtype=np.uint8)
        for row, letters in enumerate((first_row, second_row)):
            for column, letter in enumerate(letters):
                out[row::2, column::2] = rgb[row::2, column::2, channel[letter]]
        return out

    return sampled


def _bayer(pattern: str, code: int) -> Layout:
    return Layout(1, 1, _converted(code), _mosaic(pattern[:2], pattern[2:]), multiple=2, mosaic=True)


def _grey_to_rgb(grey: Pixels) -> Rgb:
    return np.repeat(grey.reshape(*grey.shape[:2], 1), 3, axis=2)


_to_grey = _converted(cv2.COLOR_RGB2GRAY)
_UYVY = Layout(2, 1, _converted(cv2.COLOR_YUV2RGB_UYVY), _converted(cv2.COLOR_RGB2YUV_UYVY), multiple=2)
_YUYV = Layout(2, 1, _converted(cv2.COLOR_YUV2RGB_YUY2), _converted(cv2.COLOR_RGB2YUV_YUY2), multiple=2)

LAYOUTS: dict[str, Layout] = {
    "rgb8": Layout(3, 1, np.ascontiguousarray, np.ascontiguousarray),
    "bgr8": Layout(3, 1, _converted(cv2.COLOR_BGR2RGB), _converted(cv2.COLOR_RGB2BGR)),
    "rgba8": Layout(4, 1, _converted(cv2.COLOR_RGBA2RGB), _converted(cv2.COLOR_RGB2RGBA)),
    "bgra8": Layout(4, 1, _converted(cv2.COLOR_BGRA2RGB), _converted(cv2.COLOR_RGB2BGRA)),
    "mono8": Layout(1, 1, _grey_to_rgb, _to_grey),
    "mono16": Layout(
        1, 2, lambda grey: _grey_to_rgb((grey >> 8).astype(np.uint8)), lambda rgb: _to_grey(rgb).astype("<u2") * 257
    ),
    "uyvy": _UYVY,
    "yuv422": _UYVY,
    "yuyv": _YUYV,
    "yuv422_yuy2": _YUYV,
    "bayer_rggb8": _bayer("rggb", cv2.COLOR_BayerRGGB2RGB),
    "bayer_bggr8": _bayer("bggr", cv2.COLOR_BayerBGGR2RGB),
    "bayer_gbrg8": _bayer("gbrg", cv2.COLOR_BayerGBRG2RGB),
    "bayer_grbg8": _bayer("grbg", cv2.COLOR_BayerGRBG2RGB),
}


def layout(encoding: str) -> Layout:
    """InvalidImageError naming the valid ones when the encoding is another."""
    found = LAYOUTS.get(encoding)
    if found is None:
        raise InvalidImageError(f"encoding {encoding[:32]!r} is not a colour picture's; valid: {', '.join(LAYOUTS)}")
    return found


def check_size(width: int, height: int, rule: Layout | None = None) -> None:
    """InvalidImageError unless 1 x 1 to MAX_PIXELS, and even where the layout shares colours between pixels."""
    if width < 1 or height < 1:
        raise InvalidImageError(f"a picture of {width} x {height} pixels; valid: at least 1 x 1")
    if width * height > MAX_PIXELS:
        raise InvalidImageError(
            f"a picture of {width} x {height} pixels; valid: at most {MAX_PIXELS // 10**6} megapixels"
        )
    if rule is None:
        return
    if width % rule.multiple or (rule.mosaic and height % rule.multiple):
        raise InvalidImageError(f"a picture of {width} x {height} pixels; this encoding needs even sides")
    if rule.mosaic and min(width, height) < MIN_MOSAIC_SIDE:
        raise InvalidImageError(f"a mosaic of {width} x {height} pixels; valid: at least {MIN_MOSAIC_SIDE} a side")


def unpacked(
    data: Any, *, width: int, height: int, step: int, channels: int, dtype: str, big_endian: bool = False
) -> Pixels:
    """(H, W) or (H, W, channels) view of a message's bytes, row padding left out, in this machine's byte order.

    data: any buffer of single bytes. dtype: numpy's letter and size, for example `u2`. InvalidImageError: the step is
    shorter than a row, or the bytes are not `step` x `height`.
    """
    row = width * channels * np.dtype(dtype).itemsize
    if step < row:
        raise InvalidImageError(f"step is {step} bytes; a row of {width} pixels of this encoding takes {row}")
    try:
        flat = np.frombuffer(data, dtype=np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        raise InvalidImageError(f"data is a {type(data).__name__}, not bytes ({error})") from error
    if flat.size != step * height:
        raise InvalidImageError(f"data has {flat.size} bytes; step {step} x height {height} makes {step * height}")
    values = flat.reshape(height, step)[:, :row]
    if np.dtype(dtype).itemsize > 1:
        values = np.ascontiguousarray(values).view(np.dtype(dtype).newbyteorder(">" if big_endian else "<"))
    return values.reshape(height, width, channels) if channels > 1 else values


def decode(data: Any, encoding: str, *, width: int, height: int, step: int, big_endian: bool = False) -> Rgb:
    """(H, W, 3) uint8 RGB, contiguous; of `rgb8` without padding a view. Alpha is dropped, 16 bits become the upper 8.

    InvalidImageError: unknown encoding, impossible size, or bytes that do not fit them.
    """
    rule = layout(encoding)
    check_size(width, height, rule)
    dtype = f"u{rule.itemsize}"
    pixels = unpacked(
        data, width=width, height=height, step=step, channels=rule.channels, dtype=dtype, big_endian=big_endian
    )
    return rule.to_rgb(pixels)


def encode(rgb: Rgb, encoding: str) -> NDArray[np.uint8]:
    """(H, row bytes) uint8, little-endian, without padding."""
    rule = layout(encoding)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise InvalidImageError(f"an array of shape {rgb.shape}, {rgb.dtype}; valid: (height, width, 3), uint8")
    height, width = rgb.shape[:2]
    check_size(width, height, rule)
    pixels = np.ascontiguousarray(rule.from_rgb(rgb))
    return pixels.view(np.uint8).reshape(height, width * rule.channels * rule.itemsize)
