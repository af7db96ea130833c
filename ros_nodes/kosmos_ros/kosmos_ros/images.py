"""sensor_msgs/Image and CompressedImage <-> (H, W, 3) uint8 RGB.

Messages are built with `array.array('B')`: handing rclpy an ndarray or a memoryview costs a hundred times as much.
"""

from __future__ import annotations

from array import array
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from kosmos_agent.errors import InvalidArgumentError, InvalidImageError
from kosmos_agent.images import as_rgb_array, decode_image
from kosmos_ros import pixels

Rgb = NDArray[np.uint8]

CODECS = ("jpeg", "png")
MAX_COMPRESSED_BYTES = 64_000_000


def rgb_from_image(message: Image) -> Rgb:
    """Contiguous RGB; of `rgb8` without padding a view of the message's own bytes.

    InvalidImageError: unknown encoding, impossible size, a step or a length that does not fit it, no data.
    """
    return pixels.decode(
        message.data,
        message.encoding,
        width=message.width,
        height=message.height,
        step=message.step,
        big_endian=bool(message.is_bigendian),
    )


def rgb_from_compressed(message: CompressedImage) -> Rgb:
    """A JPEG or PNG picture, whole: one that breaks off is refused, where others fill it with grey.

    `format` is compressed_image_transport's `ORIG_PIXFMT; CODEC compressed [COMPRESSED_PIXFMT]`; anything else is
    taken for a plain picture. InvalidImageError: empty, damaged, too large, or a depth picture.
    """
    stated, _, compression = message.format.partition(";")
    stated = stated.strip()
    if "compressedDepth" in message.format or stated[:2] in ("16", "32", "64"):
        raise InvalidImageError(f"format {message.format[:64]!r} is a depth picture's; valid: a colour picture")
    if not 0 < len(message.data) <= MAX_COMPRESSED_BYTES:
        raise InvalidImageError(f"data has {len(message.data)} bytes; valid: 1 to {MAX_COMPRESSED_BYTES}")
    decoded = decode_image(bytes(message.data), "the compressed picture", formats=[codec.upper() for codec in CODECS])
    rgb = as_rgb_array(decoded)
    if stated.startswith("bayer_") and "compressed " not in compression:
        # The mosaic itself was compressed, as grey.
        height, width = rgb.shape[:2]
        return pixels.decode(rgb[:, :, 0].tobytes(), stated, width=width, height=height, step=width)
    if "compressed rgb" in compression:
        # The sender handed red and blue swapped to its encoder, and says so.
        return np.ascontiguousarray(rgb[:, :, ::-1])
    return rgb


def image_message(rgb: Rgb, header: Header, encoding: str = "rgb8") -> Image:
    """Without row padding, little-endian. InvalidImageError: unknown encoding, or an array that is no picture."""
    rows = pixels.encode(rgb, encoding)
    height, width = rgb.shape[:2]
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=rows.shape[1],
        data=_bytes(rows),
    )


def compressed_message(rgb: Rgb, header: Header, codec: str = "jpeg", *, quality: int = 90) -> CompressedImage:
    """quality: of JPEG, 1 to 100. InvalidArgumentError: another codec or quality."""
    if codec not in CODECS or not 1 <= quality <= 100:
        raise InvalidArgumentError(f"codec {codec!r}, quality {quality}; valid: {', '.join(CODECS)}, 1 to 100")
    bgr = np.ascontiguousarray(as_rgb_array(rgb)[:, :, ::-1])
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality] if codec == "jpeg" else []
    done, encoded = cv2.imencode(f".{codec}", bgr, settings)
    if not done:
        raise InvalidImageError(f"{codec} cannot hold a picture of {bgr.shape[1]} x {bgr.shape[0]} pixels")
    return CompressedImage(header=header, format=f"rgb8; {codec} compressed bgr8", data=_bytes(encoded))


def _bytes(values: NDArray[Any]) -> array[int]:
    return array("B", values.tobytes())
