"""sensor_msgs/CameraInfo <-> robot.camera.Camera.

K and P are given at full resolution; the picture that goes with them may be a window of it (`roi`), shrunk
(`binning`): both are honoured (REP 104). ROS puts pixel centres on whole numbers, our Camera at +0.5.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from kosmos_agent.errors import CameraModelError
from kosmos_agent.robot.camera import Camera

DISTORTION_COUNTS = {"": (0,), "plumb_bob": (0, 4, 5), "rational_polynomial": (0, 8)}


def camera_from_info(info: CameraInfo, *, rectified: bool = False) -> Camera:
    """The camera of the picture that this camera_info goes with.

    rectified: of `image_rect`, whose distortion was undone (P), not of `image_raw` (K and D). CameraModelError: not
    calibrated, a distortion that Camera does not know, or a window outside the picture.
    """
    if info.width < 1 or info.height < 1:
        raise CameraModelError(f"camera_info is of {info.width} x {info.height} pixels; valid: at least 1 x 1")
    matrix = np.array(info.p).reshape(3, 4)[:, :3] if rectified else np.array(info.k).reshape(3, 3)
    if matrix[0, 0] == 0:
        raise CameraModelError(f"{'P' if rectified else 'K'} of camera_info is zero: the camera is not calibrated")
    distortion = () if rectified else _distortion(info)
    full = Camera.from_matrix(matrix, info.width, info.height, distortion, centres_on_integers=True)
    return _binned(_window(full, info), info)


def check_fits(camera: Camera, width: int, height: int) -> None:
    """CameraModelError unless a picture of this size is the camera's."""
    if (width, height) != (camera.width, camera.height):
        raise CameraModelError(
            f"the picture is {width} x {height} pixels and its camera_info makes {camera.width} x {camera.height}; "
            "valid: a camera_info of the same size, binning and roi counted in"
        )


def camera_info_message(camera: Camera, header: Header) -> CameraInfo:
    """At full resolution, neither window nor binning; P without rectifying rotation."""
    cx, cy = camera.cx - 0.5, camera.cy - 0.5
    model = "rational_polynomial" if len(camera.distortion) == 8 else "plumb_bob"
    coefficients = camera.distortion or (0.0,) * 5
    return CameraInfo(
        header=header,
        height=camera.height,
        width=camera.width,
        distortion_model=model,
        d=[*coefficients, 0.0] if len(coefficients) == 4 else list(coefficients),
        k=[camera.fx, 0.0, cx, 0.0, camera.fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[camera.fx, 0.0, cx, 0.0, 0.0, camera.fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def _distortion(info: CameraInfo) -> tuple[float, ...]:
    values = tuple(float(value) for value in info.d)
    counts = DISTORTION_COUNTS.get(info.distortion_model)
    if not any(values):
        # Whatever the model's name: nothing is distorted. Not finite counts as something.
        return ()
    if counts is None or len(values) not in counts:
        raise CameraModelError(
            f"distortion {info.distortion_model[:32]!r} with {len(values)} values; valid: plumb_bob with 4 or 5, "
            "rational_polynomial with 8, or the rectified picture"
        )
    return values


def _window(camera: Camera, info: CameraInfo) -> Camera:
    """All zero, or of the whole size, means no window."""
    roi = info.roi
    width, height = roi.width or camera.width, roi.height or camera.height
    if roi.x_offset + width > camera.width or roi.y_offset + height > camera.height:
        raise CameraModelError(
            f"roi of {width} x {height} at ({roi.x_offset}, {roi.y_offset}) is outside {camera.width} x {camera.height}"
        )
    return replace(camera, width=width, height=height, cx=camera.cx - roi.x_offset, cy=camera.cy - roi.y_offset)


def _binned(camera: Camera, info: CameraInfo) -> Camera:
    """0 and 1 mean none. Pixels that do not fill a bin fall off the far edges."""
    across, down = max(info.binning_x, 1), max(info.binning_y, 1)
    width, height = camera.width // across, camera.height // down
    if width < 1 or height < 1:
        raise CameraModelError(
            f"binning {across} x {down} of {camera.width} x {camera.height} pixels; valid: 1 up to the size"
        )
    return replace(
        camera,
        width=width,
        height=height,
        fx=camera.fx / across,
        fy=camera.fy / down,
        cx=camera.cx / across,
        cy=camera.cy / down,
    )
