"""A depth picture looked at once: its support plane, and a target for any box in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import NoDepthError
from kosmos_agent.results import Box, Candidate, Grounding, Target3D
from kosmos_agent.robot import frames
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.depth import Cloud, PixelRegion, checked_depth, cloud, valid
from kosmos_agent.robot.footprint import footprint
from kosmos_agent.robot.plane import SupportPlane, fit_support_plane
from kosmos_agent.robot.regions import BoxPixels, grown_px, inside, whole_px
from kosmos_agent.robot.roundness import ViewAxes
from kosmos_agent.robot.segment import Surroundings, Thing, segment
from kosmos_agent.robot.uncertainty import position_covariance_m2

Floats = NDArray[np.float64]
Matrix3 = tuple[float, float, float, float, float, float, float, float, float]

MIN_VALID_POINTS = 20
SURROUND_MARGIN = 0.6
SURROUND_MARGIN_PX = 12.0
PLANE_POINTS = 3000
SURROUND_POINTS = 9_000
AWAY_WEIGHT, RING_WEIGHT, INSIDE_WEIGHT = 0.1, 1.0, 0.3


class DepthView:
    """A depth picture whose support plane is fitted once, for any number of boxes.

    around: boxes near which the plane matters most; the whole picture counts alike without any.
    """

    def __init__(
        self,
        depth_m: NDArray[np.floating],
        camera: Camera,
        T_base_camera: NDArray[np.floating],
        around: Sequence[Box] = (),
        *,
        frame_id: str = "base",
    ) -> None:
        self.camera = camera
        self.T_base_camera = frames.checked_transform(T_base_camera, "T_base_camera")
        self.frame_id = frame_id
        self._depth_m = checked_depth(depth_m, camera)
        self.plane = self._fitted_plane(around)

    def target(self, answer: Grounding, candidate: Candidate) -> Target3D:
        """One candidate of an answer as a target; NoDepthError where the box holds too little."""
        thing = self.thing(candidate.box)
        noise_m = self._wall_noise_m(thing)
        shape = footprint(thing.points_m[:, :2], thing.heights_m, self._view(thing), noise_m)
        covariance = position_covariance_m2(thing, shape, self.camera, self.T_base_camera, noise_m)
        support_m = self.plane.z_at(np.array(shape.middle_m)) + thing.level_m
        position_m = (*shape.middle_m, support_m + thing.top_m / 2)
        return Target3D(
            phrase=answer.phrase,
            frame_id=self.frame_id,
            stamp_ns=answer.frame.stamp_ns,
            position_m=position_m,
            size_m=(*shape.size_m, thing.top_m),
            yaw_rad=shape.yaw_rad,
            extent_m=shape.extent_m,
            covariance_m2=_row_major(covariance),
            support_height_m=support_m,
            points=len(thing.points_m),
            box=candidate.box,
            probability=candidate.probability,
        )

    def thing(self, box: Box) -> Thing:
        """The points that stand out in a box; NoDepthError where there are too few."""
        box_px = box.to_pixels(self.camera.width, self.camera.height)
        around = self._surroundings(box_px)
        depths = (around.points_m - self.T_base_camera[:3, 3]) @ self.T_base_camera[:3, 2]
        spacing_m = around.stride * float(np.median(depths)) / min(self.camera.fx, self.camera.fy)
        heights_m = self.plane.heights_m(around.points_m)
        return segment(Surroundings(around, depths, heights_m, box_px, spacing_m, self.plane.sigma_m))

    def _fitted_plane(self, around: Sequence[Box]) -> SupportPlane:
        width, height = self.camera.width, self.camera.height
        stride = max(1, round(np.sqrt(width * height / PLANE_POINTS)))
        points = cloud(self._depth_m, self.camera, self.T_base_camera, (0, 0, width, height), stride)
        if len(points) < MIN_VALID_POINTS:
            raise NoDepthError(
                f"{len(points)} of {points.readings} sampled depth readings are valid; the support plane needs at "
                f"least {MIN_VALID_POINTS}"
            )
        boxes_px = [box.to_pixels(width, height) for box in around]
        return fit_support_plane(points.points_m, _plane_weights(points.px, boxes_px))

    def _surroundings(self, box_px: BoxPixels) -> Cloud:
        """Points in and around the box; NoDepthError where the box itself is nearly empty."""
        x1, y1, x2, y2 = self._whole(box_px)
        readings = valid(self._depth_m[y1:y2, x1:x2])
        if readings.sum() < MIN_VALID_POINTS:
            raise NoDepthError(
                f"{readings.sum()} of {readings.size} depth readings in the box are valid; at least "
                f"{MIN_VALID_POINTS} are needed (dark, shiny or transparent things and things too near give none)"
            )
        left, top, right, bottom = region = self._whole(_surround_px(box_px))
        stride = max(1, round(np.sqrt((right - left) * (bottom - top) / SURROUND_POINTS)))
        return cloud(self._depth_m, self.camera, self.T_base_camera, region, stride)

    def _whole(self, box_px: BoxPixels) -> PixelRegion:
        return whole_px(box_px, self.camera.width, self.camera.height)

    def _view(self, thing: Thing) -> ViewAxes:
        x, y, _ = self.T_base_camera[:3, 3] - thing.points_m.mean(axis=0)
        distance = float(np.hypot(x, y))
        towards = np.array([x, y]) / distance if distance > 1e-6 else np.array([1.0, 0.0])
        return ViewAxes(across=np.array([-towards[1], towards[0]]), towards=towards)

    def _wall_noise_m(self, thing: Thing) -> float:
        """Of a point on an upright wall: the plane is seen at another slant, which scales its noise."""
        x, y, z = self.T_base_camera[:3, 3] - thing.points_m.mean(axis=0)
        return float(self.plane.sigma_m * np.hypot(x, y) / max(abs(float(z)), 1e-6))


def _row_major(covariance: Floats) -> Matrix3:
    xx, xy, xz, yx, yy, yz, zx, zy, zz = (float(value) for value in covariance.ravel())
    return (xx, xy, xz, yx, yy, yz, zx, zy, zz)


def _plane_weights(px: Floats, boxes_px: Sequence[BoxPixels]) -> Floats:
    """Things fill the boxes, so what lies about them counts most."""
    if not boxes_px:
        return np.ones(len(px))
    rings = [inside(px, _surround_px(box_px)) for box_px in boxes_px]
    boxes = [inside(px, box_px) for box_px in boxes_px]
    weights = np.where(np.any(rings, axis=0), RING_WEIGHT, AWAY_WEIGHT)
    return np.asarray(np.where(np.any(boxes, axis=0), INSIDE_WEIGHT, weights))


def _surround_px(box_px: BoxPixels) -> BoxPixels:
    return grown_px(box_px, SURROUND_MARGIN, SURROUND_MARGIN_PX)
