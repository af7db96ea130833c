"""From an answer in the picture to targets in metres: depth, camera and transform of the picture's own moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from kosmos_agent.errors import CameraModelError, InvalidDepthError, NoDepthError, NoDepthImageError
from kosmos_agent.results import Grounding
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.locate import locate_all
from kosmos_agent.robot.relations import check_in_metres
from kosmos_ros.camera_info import camera_from_info, check_fits
from kosmos_ros.depth_images import depth_from_image
from kosmos_ros.frames_in import FrameStore, Shot
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.targets import LocatedTarget
from kosmos_ros.transforms import TransformBuffer, frame_name


@dataclass(frozen=True, eq=False)
class Depth:
    """(H, W) metres of one moment, its camera, and where that stood in the frame `frame_id`."""

    depth_m: NDArray[np.float32]
    camera: Camera
    T_base_camera: NDArray[np.float64]
    frame_id: str


def depth_of(
    shot: Shot,
    size_px: tuple[int, int],
    target_frame: str,
    store: FrameStore,
    transforms: TransformBuffer,
    settings: GroundingSettings,
    *,
    patient: bool,
) -> Depth:
    """size_px: width, height of the picture. patient: wait, bounded, for what has not come yet.

    NoDepthImageError, NoCameraInfoError, InvalidDepthError, CameraModelError, and those of a transform.
    """
    if not settings.use_depth:
        raise NoDepthImageError("depth is switched off (use_depth is false), so there are no targets in metres")
    wait_s = settings.transform_timeout_sec if patient or store.has_depth else 0.0
    info = store.info(wait_s)
    camera = camera_from_info(info, rectified=settings.image_is_rectified)
    check_fits(camera, *size_px)
    picture_frame = frame_name(shot.message.header.frame_id)
    if frame_name(info.header.frame_id) not in ("", picture_frame):
        raise CameraModelError(
            f"camera_info is of frame {info.header.frame_id[:64]!r}, the picture of {picture_frame[:64]!r}; valid: one"
        )
    message = store.depth_for(shot, settings.sync_slop_sec, wait_s)
    _check_registered(message, picture_frame)
    depth_m = depth_from_image(message, unit_m=settings.depth_unit_m or None)
    height, width = depth_m.shape
    if (width, height) != size_px:
        if width * size_px[1] != height * size_px[0]:
            raise CameraModelError(f"depth is {width} x {height}, the picture {size_px[0]} x {size_px[1]} pixels")
        camera = camera.scaled_to(width, height)
    T_base_camera = transforms.wait_for(target_frame, picture_frame, shot.stamp_ns, wait_s)
    return Depth(depth_m, camera, T_base_camera, frame_name(target_frame))


def in_metres(answer: Grounding, depth: Depth) -> Grounding:
    """What the phrase says about place, judged again with depth."""
    return check_in_metres(answer, depth.depth_m, depth.camera, depth.T_base_camera)


def targets_of(answer: Grounding, depth: Depth) -> list[LocatedTarget]:
    """Of each candidate that has depth. NoTargetError: no box; NoDepthError: not one of them has depth."""
    found = locate_all(answer, depth.depth_m, depth.camera, depth.T_base_camera, frame_id=depth.frame_id)
    kept = [LocatedTarget(item, index) for index, item in enumerate(found) if not isinstance(item, NoDepthError)]
    if not kept and isinstance(found[0], NoDepthError):
        raise found[0]
    return kept


def _check_registered(message: Image, picture_frame: str) -> None:
    if frame_name(message.header.frame_id) != picture_frame:
        raise InvalidDepthError(
            f"depth is in frame {message.header.frame_id[:64]!r}, the picture in {picture_frame[:64]!r}; valid: depth "
            "registered to the picture, in its frame"
        )
