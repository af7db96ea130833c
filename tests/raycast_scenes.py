"""A few solids on a table, seen by a pinhole camera: exact depth from closed-form rays, numpy only.

A solid answers `hits(origin, rays)` with the smallest positive ray parameter, infinity where it is missed.
Everything is in the base frame, metres, z up; rays have camera z = 1, so the parameter is the depth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kosmos_agent.results import Box, Candidate, Frame, Grounding
from kosmos_agent.robot import frames
from kosmos_agent.robot.camera import Camera


@dataclass(frozen=True)
class Plane:
    """Points with normal . p = offset; a `half_m` cuts it to a square about the origin."""

    normal: tuple[float, float, float] = (0.0, 0.0, 1.0)
    offset_m: float = 0.0
    half_m: float = np.inf

    def hits(self, origin, rays):
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.offset_m - origin @ self.normal) / (rays @ np.array(self.normal))
            inside = np.abs((origin + t[:, None] * rays)[:, :2]).max(axis=1) <= self.half_m
        return np.where((t > 0) & inside, t, np.inf)


@dataclass(frozen=True)
class Block:
    """Upright box, turned by yaw; `centre_m` is its middle."""

    centre_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    yaw_rad: float = 0.0

    def hits(self, origin, rays):
        turn = frames.rotation_z(-self.yaw_rad)
        o, d = turn @ (origin - self.centre_m), rays @ turn.T
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (-np.array(self.size_m) / 2 - o) / d, (np.array(self.size_m) / 2 - o) / d
        near, far = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
        return np.where((near <= far) & (near > 0), near, np.inf)


@dataclass(frozen=True)
class Ball:
    centre_m: tuple[float, float, float]
    radius_m: float

    @property
    def size_m(self):
        return (2 * self.radius_m,) * 3

    def hits(self, origin, rays):
        o = origin - np.array(self.centre_m)
        return _nearest_root(np.sum(rays**2, axis=1), 2 * rays @ o, o @ o - self.radius_m**2, lambda t: t > 0)


@dataclass(frozen=True)
class Frustum:
    """Upright body of revolution with straight sides; open at the top (a cup) or closed (a can, a cone)."""

    centre_m: tuple[float, float, float]
    bottom_m: float
    top_m: float
    height_m: float
    open_top: bool = False

    @property
    def size_m(self):
        width = 2 * max(self.bottom_m, self.top_m)
        return (width, width, self.height_m)

    def hits(self, origin, rays):
        o = origin - np.array(self.centre_m) + (0, 0, self.height_m / 2)
        slope = (self.top_m - self.bottom_m) / self.height_m
        a = rays[:, 0] ** 2 + rays[:, 1] ** 2 - (slope * rays[:, 2]) ** 2
        radius = self.bottom_m + slope * o[2]
        b = 2 * (rays[:, 0] * o[0] + rays[:, 1] * o[1] - slope * rays[:, 2] * radius)
        c = o[0] ** 2 + o[1] ** 2 - radius**2

        def on_side(t):
            z = o[2] + t * rays[:, 2]
            return (t > 0) & (z >= 0) & (z <= self.height_m)

        best = _nearest_root(a, b, c, on_side)
        lids = [(0.0, self.bottom_m)] + ([] if self.open_top else [(self.height_m, self.top_m)])
        for level, lid_radius in lids:
            with np.errstate(divide="ignore", invalid="ignore"):
                t = (level - o[2]) / rays[:, 2]
                r = np.hypot(o[0] + t * rays[:, 0], o[1] + t * rays[:, 1])
            best = np.where((t > 0) & (r <= lid_radius) & (t < best), t, best)
        return best


def _nearest_root(a, b, c, accept):
    disc = b**2 - 4 * a * c
    best = np.full(len(a), np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        for sign in (-1, 1):
            t = (-b + sign * np.sqrt(disc)) / (2 * a)
            best = np.where((disc >= 0) & accept(t) & (t < best), t, best)
    return best


def can(x, y, radius, height, z=0.0):
    return Frustum((x, y, z + height / 2), radius, radius, height)


def cup(x, y, radius, height, z=0.0):
    return Frustum((x, y, z + height / 2), 0.8 * radius, radius, height, open_top=True)


def cone(x, y, radius, height, z=0.0):
    return Frustum((x, y, z + height / 2), radius, 0.15 * radius, height)


def ball(x, y, radius, z=0.0):
    return Ball((x, y, z + radius), radius)


def block(x, y, size, yaw=0.0, z=0.0):
    return Block((x, y, z + size[2] / 2), tuple(size), yaw)


@dataclass(frozen=True)
class Bottle:
    """A can with a thinner neck."""

    body: Frustum
    neck: Frustum

    @property
    def centre_m(self):
        return (*self.body.centre_m[:2], self.bottom_m + self.size_m[2] / 2)

    @property
    def bottom_m(self):
        return self.body.centre_m[2] - self.body.height_m / 2

    @property
    def size_m(self):
        return (*self.body.size_m[:2], self.body.height_m + self.neck.height_m)

    def hits(self, origin, rays):
        return np.minimum(self.body.hits(origin, rays), self.neck.hits(origin, rays))


def bottle(x, y, radius, height, z=0.0):
    body = can(x, y, radius, 0.6 * height, z)
    return Bottle(body, Frustum((x, y, z + 0.8 * height), radius, 0.35 * radius, 0.4 * height))


@dataclass
class Picture:
    """What the camera sees: `ids` holds k + 1 at solid k, 0 at the ground and where nothing is hit."""

    depth_m: np.ndarray
    ids: np.ndarray
    camera: Camera
    T_base_camera: np.ndarray
    solids: tuple = field(default=())

    def box(self, index=0):
        """Tight box of the visible pixels of a solid."""
        rows, columns = np.nonzero(self.ids == index + 1)
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return Box.from_pixels(edges, self.camera.width, self.camera.height)


def render(solids, T_base_camera, camera=None, grounds=(Plane(),)):
    camera = camera or Camera.from_field_of_view(320, 240, np.deg2rad(45))
    columns, rows = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    rays = camera.rays(np.stack([columns, rows], axis=-1)).reshape(-1, 3) @ T_base_camera[:3, :3].T
    origin = T_base_camera[:3, 3]
    everything = [*grounds, *solids]
    depths = np.stack([solid.hits(origin, rays) for solid in everything])
    nearest = depths.argmin(axis=0)
    ids = np.where(np.isfinite(depths.min(axis=0)), np.maximum(nearest - len(grounds) + 1, 0), 0)
    shape = (camera.height, camera.width)
    return Picture(
        depths.min(axis=0).astype(np.float32).reshape(shape), ids.reshape(shape), camera, T_base_camera, tuple(solids)
    )


def camera_pose(azimuth_rad, elevation_rad, distance_m, at=(0.0, 0.0, 0.03)):
    direction = np.array(
        [
            np.cos(azimuth_rad) * np.cos(elevation_rad),
            np.sin(azimuth_rad) * np.cos(elevation_rad),
            np.sin(elevation_rad),
        ]
    )
    return frames.looking_at(np.array(at) + distance_m * direction, at)


def noisy(depth_m, rng, sigma_at_1m=0.002, holes=0.05):
    """Noise that grows with depth squared, and a share of missing readings of all three kinds."""
    depth = depth_m + rng.normal(size=depth_m.shape) * sigma_at_1m * depth_m**2
    lost = rng.random(depth.shape) < holes
    kinds = rng.choice([0.0, np.nan, np.inf], size=depth.shape)
    return np.where(lost, kinds, depth).astype(np.float32)


def jittered(box, rng, share):
    """Each edge moved by a normal error of `share` of the box's size."""
    x1, y1, x2, y2 = box.corners
    moved = np.array(box.corners) + rng.normal(size=4) * share * np.array([x2 - x1, y2 - y1] * 2)
    left, top, right, bottom = np.clip(moved, 0, 1)
    return Box(x1=left, y1=top, x2=max(right, left + 0.01), y2=max(bottom, top + 0.01))


def answer(*boxes, phrase="the thing", status="found", frame_id="camera_optical_frame", stamp_ns=7):
    return Grounding(
        phrase=phrase,
        status=status,
        candidates=tuple(Candidate(box=box, probability=0.9) for box in boxes),
        presence=0.9,
        frame=Frame(width=320, height=240, stamp_ns=stamp_ns, frame_id=frame_id),
        model="test",
        timings_ms={},
    )
