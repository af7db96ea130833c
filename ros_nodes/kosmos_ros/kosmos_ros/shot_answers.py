"""One recorded picture -> the grounding node's answers to it, without a node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from kosmos_interfaces.msg import Grounding as GroundingMessage
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from kosmos_agent.errors import KosmosAgentError, NoDepthError
from kosmos_agent.results import Grounding
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.locate import locate_all
from kosmos_agent.robot.relations import check_in_metres
from kosmos_ros import answers, stamps
from kosmos_ros.bag_shots import Shot
from kosmos_ros.camera_info import camera_from_info, check_fits
from kosmos_ros.depth_images import depth_from_image
from kosmos_ros.errors import NoCameraInfoError, NoDepthImageError
from kosmos_ros.images import Rgb, rgb_from_compressed, rgb_from_image
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.targets import LocatedTarget
from kosmos_ros.transforms import TransformBuffer

if TYPE_CHECKING:
    from kosmos_agent.grounder import Grounder

Floats = NDArray[np.floating]


def rgb_of(image: Image | CompressedImage) -> Rgb:
    """InvalidImageError."""
    return rgb_from_compressed(image) if isinstance(image, CompressedImage) else rgb_from_image(image)


def answer_shot(
    grounder: Grounder, settings: GroundingSettings, buffer: TransformBuffer, shot: Shot, phrases: Sequence[str]
) -> list[GroundingMessage]:
    """One answer a phrase; a picture that cannot be read is a refusal for each. `use_depth`: with targets in metres."""
    if isinstance(shot.image, KosmosAgentError):
        return [answers.refusal(shot.image, phrase) for phrase in phrases]
    header = shot.image.header
    stamp_ns = stamps.stamp_ns(header.stamp)
    try:
        view = grounder.view(rgb_of(shot.image), stamp_ns=stamp_ns or None, frame_id=header.frame_id)
        found = view.find_all(list(phrases))
    except KosmosAgentError as error:
        return [answers.refusal(error, phrase, header) for phrase in phrases]
    return [_message(answer, settings, buffer, shot) for answer in found]


def _message(answer: Grounding, settings: GroundingSettings, buffer: TransformBuffer, shot: Shot) -> GroundingMessage:
    targets: list[LocatedTarget] = []
    error: KosmosAgentError | None = None
    if settings.use_depth:
        try:
            depth_m, camera, T_base_camera = _geometry(answer, settings, buffer, shot)
            answer = check_in_metres(answer, depth_m, camera, T_base_camera)
            if answer.status in ("found", "ambiguous") and answer.candidates:
                located = locate_all(answer, depth_m, camera, T_base_camera, frame_id=settings.target_frame)
                targets = [LocatedTarget(t, i) for i, t in enumerate(located) if not isinstance(t, NoDepthError)]
                error = next((t for t in located if isinstance(t, NoDepthError)), None) if not targets else None
        except KosmosAgentError as caught:
            error = caught
    return answers.grounding_message(answer, shot.image.header, image_age_s=0.0, targets=targets, target_error=error)


def _geometry(
    answer: Grounding, settings: GroundingSettings, buffer: TransformBuffer, shot: Shot
) -> tuple[Floats, Camera, Floats]:
    """Depth in metres, its camera, and where that stood in the target frame when the picture was taken."""
    header = shot.image.header
    if shot.depth is None:
        raise NoDepthImageError(f"no depth picture within {1000 * settings.sync_slop_sec:.0f} ms of the picture")
    if shot.camera_info is None:
        raise NoCameraInfoError("no camera_info came with the pictures")
    camera = camera_from_info(shot.camera_info, rectified=settings.image_is_rectified)
    check_fits(camera, answer.frame.width, answer.frame.height)
    depth_m = depth_from_image(shot.depth, unit_m=settings.depth_unit_m or None)
    T_base_camera = buffer.lookup(settings.target_frame, header.frame_id, stamps.stamp_ns(header.stamp))
    return depth_m, camera.scaled_to(depth_m.shape[1], depth_m.shape[0]), T_base_camera
