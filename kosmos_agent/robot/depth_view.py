"""A depth picture looked at once: its support plane, and a target for any box in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import NoDepthError
from kosmos_agent.results import Box, Candidate, Grounding, Target3D
from kosmos_agent.robot import frames
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.cluster import main_cluster, without_strays
from kosmos_agent.robot.depth import Cloud, PixelRegion, checked_depth, cloud
from kosmos_agent.robot.footprint import Footprint, footprint
from kosmos_agent.robot.plane import SupportPlane, fit_support_plane
from kosmos_agent.robot.support import raised_levels, stands_on

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

Matrix3 = tuple[float, float, float, float, float, float, float, float, float]

MIN_VALID_POINTS = 20
MIN_OBJECT_POINTS = 12
BOX_MARGIN = 0.08
SURROUND_MARGIN = 0.6
SURROUND_MARGIN_PX = 12.0
PLANE_POINTS = 4000
CLEARANCE_RANGE_M = (0.004, 0.012)
MIN_RAISED_HEIGHT_M = 0.012
CELL_RANGE_M = (0.004, 0.012)
TOP_PERCENTILE = 97.0
GRID_CELLS = 32
AWAY_WEIGHT, RING_WEIGHT, INSIDE_WEIGHT = 0.1, 1.0, 0.3


@dataclass(frozen=True)
class _Object:
    """The points of one thing. heights_m: above what it stands on, which is `level_m` above the plane."""

    points_m: Floats
    heights_m: Floats
    level_m: float


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
        thing = self._object(candidate.box)
        shape = self._footprint(thing)
        height_m = float(np.percentile(thing.heights_m, TOP_PERCENTILE))
        support_m = self.plane.z_at(np.array(shape.middle_m)) + thing.level_m
        position_m = (*shape.middle_m, support_m + height_m / 2)
        return Target3D(
            phrase=answer.phrase,
            frame_id=self.frame_id,
            stamp_ns=answer.frame.stamp_ns,
            position_m=position_m,
            size_m=(*shape.size_m, height_m),
            yaw_rad=shape.yaw_rad,
            extent_m=shape.extent_m,
            covariance_m2=self._covariance_m2(np.array(position_m), thing),
            support_height_m=support_m,
            points=len(thing.points_m),
            box=candidate.box,
            probability=candidate.probability,
        )

    def _fitted_plane(self, around: Sequence[Box]) -> SupportPlane:
        width, height = self.camera.width, self.camera.height
        stride = max(1, round(np.sqrt(width * height / PLANE_POINTS)))
        points = cloud(self._depth_m, self.camera, self.T_base_camera, (0, 0, width, height), stride)
        if len(points) < MIN_VALID_POINTS:
            raise NoDepthError(
                f"{len(points)} of {points.readings} sampled depth readings are valid; the support plane needs at "
                f"least {MIN_VALID_POINTS}"
            )
        return fit_support_plane(points.points_m, self._plane_weights(points.px, around))

    def _plane_weights(self, px: Floats, around: Sequence[Box]) -> Floats:
        if not around:
            return np.ones(len(px))
        rings = [_inside(px, self._grown_px(box, SURROUND_MARGIN, SURROUND_MARGIN_PX)) for box in around]
        boxes = [_inside(px, box.to_pixels(self.camera.width, self.camera.height)) for box in around]
        weights = np.where(np.any(rings, axis=0), RING_WEIGHT, AWAY_WEIGHT)
        return np.asarray(np.where(np.any(boxes, axis=0), INSIDE_WEIGHT, weights))

    def _object(self, box: Box) -> _Object:
        """The main group of points in the box that stands out from its support."""
        around = self._surroundings(box)
        heights_m = self.plane.heights_m(around.points_m)
        in_box = _inside(around.px, self._grown_px(box, BOX_MARGIN, 1.0))
        clearance_m = self._clearance_m
        cell_m = self._cell_m(around)
        weights = _centre_weights(around.px, box.to_pixels(self.camera.width, self.camera.height))
        xy_m = around.points_m[:, :2]

        def members_above(level_m: float) -> Mask:
            members = in_box & (heights_m > level_m + clearance_m)
            members[members] = main_cluster(xy_m[members], weights[members], cell_m)
            members[members] = without_strays(xy_m[members], cell_m)
            return members

        members, level_m = members_above(0.0), 0.0
        if members.sum() >= MIN_OBJECT_POINTS:
            top_m = float(np.percentile(heights_m[members], TOP_PERCENTILE))
            for raised_m in raised_levels(heights_m[~in_box], 1.5 * clearance_m, top_m - MIN_RAISED_HEIGHT_M):
                above = members_above(raised_m)
                enough = above.sum() >= MIN_OBJECT_POINTS
                if enough and stands_on(raised_m, xy_m, heights_m, above, cell_m, clearance_m):
                    members, level_m = above, raised_m
                    break
        self._check_object(members, in_box, around, heights_m)
        return _Object(around.points_m[members], heights_m[members] - level_m, level_m)

    def _surroundings(self, box: Box) -> Cloud:
        """Points in and around the box; NoDepthError where the box itself is nearly empty."""
        region = self._whole_px(self._grown_px(box, SURROUND_MARGIN, SURROUND_MARGIN_PX))
        around = cloud(self._depth_m, self.camera, self.T_base_camera, region)
        x1, y1, x2, y2 = inner = self._whole_px(box.to_pixels(self.camera.width, self.camera.height))
        count, readings = int(_inside(around.px, inner).sum()), (x2 - x1) * (y2 - y1)
        if count < MIN_VALID_POINTS:
            raise NoDepthError(
                f"{count} of {readings} depth readings in the box are valid; at least {MIN_VALID_POINTS} are needed "
                "(dark, shiny or transparent things and things too near give none)"
            )
        return around

    def _check_object(self, members: Mask, in_box: Mask, around: Cloud, heights_m: Floats) -> None:
        if members.sum() >= MIN_OBJECT_POINTS:
            return
        standing = int((in_box & (heights_m > self._clearance_m)).sum())
        raise NoDepthError(
            f"{standing} of {int(in_box.sum())} depth points in the box stand more than {1e3 * self._clearance_m:.0f} "
            f"mm above their support, {int(members.sum())} of them together; at least {MIN_OBJECT_POINTS} are needed "
            "(a flat or transparent thing, or a box beside it)"
        )

    def _footprint(self, thing: _Object) -> Footprint:
        towards_camera = self.T_base_camera[:2, 3] - thing.points_m[:, :2].mean(axis=0)
        length = float(np.linalg.norm(towards_camera))
        across = np.array([-towards_camera[1], towards_camera[0]]) / length if length > 1e-6 else np.array([1.0, 0.0])
        return footprint(thing.points_m[:, :2], thing.heights_m, across, self.plane.sigma_m)

    def _covariance_m2(self, position_m: Floats, thing: _Object) -> Matrix3:
        """Depth spread over the points, and one location cell of uncertainty on each box edge."""
        rotation = self.T_base_camera[:3, :3]
        depths = frames.apply(frames.inverse(self.T_base_camera), thing.points_m)[:, 2]
        z = float(frames.apply(frames.inverse(self.T_base_camera), position_m)[2])
        cells_m = np.array([self.camera.width / self.camera.fx, self.camera.height / self.camera.fy]) * z / GRID_CELLS
        edges = cells_m**2 / 12 / 2
        along = float(np.var(depths)) / np.sqrt(len(depths)) + self.plane.sigma_m**2
        covariance = rotation @ np.diag([edges[0], edges[1], along]) @ rotation.T
        xx, xy, xz, yx, yy, yz, zx, zy, zz = (float(value) for value in covariance.ravel())
        return (xx, xy, xz, yx, yy, yz, zx, zy, zz)

    @property
    def _clearance_m(self) -> float:
        return float(np.clip(3 * self.plane.sigma_m, *CLEARANCE_RANGE_M))

    def _cell_m(self, around: Cloud) -> float:
        """Twice the spacing of neighbouring readings."""
        depths = (around.points_m - self.T_base_camera[:3, 3]) @ self.T_base_camera[:3, 2]
        return float(np.clip(2 * np.median(depths) / min(self.camera.fx, self.camera.fy), *CELL_RANGE_M))

    def _grown_px(self, box: Box, share: float, extra_px: float) -> tuple[float, float, float, float]:
        x1, y1, x2, y2 = box.to_pixels(self.camera.width, self.camera.height)
        dx, dy = share * (x2 - x1) + extra_px, share * (y2 - y1) + extra_px
        return (x1 - dx, y1 - dy, x2 + dx, y2 + dy)

    def _whole_px(self, box_px: tuple[float, float, float, float]) -> PixelRegion:
        x1, y1 = (int(max(np.floor(value), 0)) for value in box_px[:2])
        x2, y2 = int(min(np.ceil(box_px[2]), self.camera.width)), int(min(np.ceil(box_px[3]), self.camera.height))
        return (x1, y1, x2, y2)


def _inside(px: Floats, box_px: tuple[float, float, float, float]) -> Mask:
    x1, y1, x2, y2 = box_px
    return np.asarray((px[:, 0] >= x1) & (px[:, 0] < x2) & (px[:, 1] >= y1) & (px[:, 1] < y2))


def _centre_weights(px: Floats, box_px: tuple[float, float, float, float]) -> Floats:
    """1 at the box's middle, 0.14 at the middle of an edge, falling on outside."""
    x1, y1, x2, y2 = box_px
    away = (px - ((x1 + x2) / 2, (y1 + y2) / 2)) / ((x2 - x1) / 2, (y2 - y1) / 2)
    return np.exp(-2 * (away**2).sum(axis=1))
