"""Depth pictures in sensor_msgs/Image <-> float32 metres. The unit comes from the encoding (REP 118), never a guess.

What means "no reading": 0 in both encodings, NaN, and the infinities (too near, too far: REP 117).
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from kosmos_agent.errors import InvalidDepthError, InvalidImageError
from kosmos_ros import pixels

Depth = NDArray[np.float32]

ENCODINGS = {"32FC1": "f4", "16UC1": "u2"}
MILLIMETRE_M = 0.001


def depth_from_image(message: Image, *, unit_m: float | None = None) -> Depth:
    """(H, W) metres along the optical axis, NaN where there is no reading.

    unit_m: metres per count of the picture, for a camera that does not keep to its encoding's unit; None: 1 m for
    32FC1, 1 mm for 16UC1. InvalidDepthError: another encoding, bytes that do not fit, or no reading at all.
    """
    dtype = ENCODINGS.get(message.encoding)
    if dtype is None:
        raise InvalidDepthError(
            f"encoding {message.encoding[:32]!r} is not a depth picture's; valid: 32FC1 (metres), 16UC1 (millimetres)"
        )
    try:
        pixels.check_size(message.width, message.height)
        values = pixels.unpacked(
            message.data,
            width=message.width,
            height=message.height,
            step=message.step,
            channels=1,
            dtype=dtype,
            big_endian=bool(message.is_bigendian),
        )
    except InvalidImageError as error:
        raise InvalidDepthError(f"depth picture: {error}") from error
    unit_m = unit_m if unit_m is not None else (MILLIMETRE_M if dtype == "u2" else 1.0)
    depth_m = values.astype(np.float32) * np.float32(unit_m)
    depth_m[~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    if np.isnan(depth_m).all():
        raise InvalidDepthError(f"none of the {depth_m.size} pixels of the depth picture holds a reading")
    return depth_m


def depth_message(depth_m: Depth, header: Header, encoding: str = "32FC1") -> Image:
    """(H, W) metres -> a depth picture; not finite and not above 0 become NaN (32FC1) or 0 (16UC1).

    InvalidDepthError: another encoding or shape, or metres past what 16UC1 can count (65.535 m).
    """
    if encoding not in ENCODINGS or np.ndim(depth_m) != 2:
        raise InvalidDepthError(f"encoding {encoding[:32]!r}, shape {np.shape(depth_m)}; valid: 32FC1 or 16UC1, (H, W)")
    read = np.isfinite(depth_m) & (depth_m > 0)
    if encoding == "32FC1":
        values = np.where(read, depth_m, np.nan).astype("<f4")
    else:
        counts = np.round(np.where(read, depth_m, 0) / MILLIMETRE_M)
        if counts.max(initial=0) > np.iinfo(np.uint16).max:
            raise InvalidDepthError(f"depth of {counts.max() * MILLIMETRE_M:.1f} m; 16UC1 counts to 65.535 m")
        values = counts.astype("<u2")
    height, width = values.shape
    data = array("B", values.tobytes())
    return Image(
        header=header, height=height, width=width, encoding=encoding, is_bigendian=0, step=values.strides[0], data=data
    )
