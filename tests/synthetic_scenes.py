"""Table-tops of upright boxes seen by a pinhole camera: exact records without a renderer."""

from __future__ import annotations

import numpy as np
from kosmos_sim.lexicon import CATEGORIES, COLOURS
from kosmos_sim.records import SceneObject, SceneRecord

PAINT = {
    "red": (200, 40, 40), "orange": (235, 130, 30), "yellow": (230, 210, 50), "green": (50, 150, 60),
    "blue": (40, 80, 200), "purple": (120, 50, 160), "pink": (240, 150, 180), "brown": (120, 75, 40),
    "black": (30, 30, 30), "white": (240, 240, 240), "gray": (128, 128, 128),
}  # fmt: skip


def camera_pose(rng: np.random.Generator) -> np.ndarray:
    """(4, 4) optical frame to table frame, looking at about the middle of the table; one in five is rolled any way."""
    turn, pitch, range_m = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.1), rng.uniform(0.7, 1.2)
    direction = np.array([np.cos(turn) * np.cos(pitch), np.sin(turn) * np.cos(pitch), np.sin(pitch)])
    forward = -direction
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    roll = rng.uniform(-np.pi, np.pi) if rng.random() < 0.2 else rng.normal(0, 0.1)
    cosine, sine = np.cos(roll), np.sin(roll)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    pose[:3, :3] @= [[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]
    pose[:3, 3] = range_m * direction
    return pose


def synthetic_record(
    seed: int,
    index: int = 0,
    *,
    things: int = 10,
    side: int = 224,
    map_side: int = 112,
    categories: tuple[str, ...] = CATEGORIES[:6],
    colours: tuple[str, ...] = COLOURS[:5],
) -> SceneRecord:
    """Few words by default, so that objects share them. Boxes overlap; the nearer hides the farther."""
    rng = np.random.default_rng([seed, index])
    pose = camera_pose(rng)
    focal = 1.1 * side
    intrinsics = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1.0]])
    placed = _placed(rng, things)
    full = np.zeros((side, side), np.uint8)
    alone = {}
    order = sorted(placed, key=lambda k: -_in_camera(pose, placed[k][0])[2])
    for number in order:
        x1, y1, x2, y2, cut = _extent_px(pose, intrinsics, *placed[number][:2], side)
        if x2 <= x1 or y2 <= y1:
            continue
        alone[number] = ((y2 - y1) * (x2 - x1), cut)
        full[y1:y2, x1:x2] = number
    step = side // map_side
    rgb = np.full((side, side, 3), 170, np.uint8)
    objects = []
    for number, (area_px, cut) in sorted(alone.items()):
        rows, columns = np.nonzero(full == number)
        category, colour = str(rng.choice(categories)), str(rng.choice(colours))
        rgb[rows, columns] = PAINT[colour]
        if not len(rows):
            continue
        centre_m, size_m, support, extents_m, yaw_rad = placed[number]
        objects.append(
            SceneObject(
                category=category,
                colour=colour,
                box=(
                    float(columns.min() / side),
                    float(rows.min() / side),
                    float((columns.max() + 1) / side),
                    float((rows.max() + 1) / side),
                ),
                instance=number,
                pixels=len(rows),
                visible=len(rows) / area_px,
                truncated=cut,
                position_camera_m=tuple(_in_camera(pose, centre_m).tolist()),
                position_table_m=tuple(centre_m.tolist()),
                size_m=tuple(size_m.tolist()),
                extents_m=tuple(extents_m.tolist()),
                yaw_rad=yaw_rad,
                on=support,
            )
        )
    shrunk = full[step // 2 :: step, step // 2 :: step]
    return SceneRecord(seed, index, rgb, shrunk, tuple(objects), intrinsics, pose)


def _placed(rng: np.random.Generator, things: int) -> dict[int, tuple[np.ndarray, np.ndarray, int, np.ndarray, float]]:
    """Instance -> (centre, size, support, own extents, yaw); about one in six stands on an earlier one."""
    placed: dict[int, tuple[np.ndarray, np.ndarray, int, np.ndarray, float]] = {}
    for number in rng.choice(np.arange(1, 200), things, replace=False).tolist():
        extents_m, yaw_rad = rng.uniform(0.04, 0.12, 3), float(rng.uniform(-3, 3))
        cosine, sine = abs(np.cos(yaw_rad)), abs(np.sin(yaw_rad))
        size_m = np.array([[cosine, sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ extents_m
        ground_m = rng.uniform(-0.35, 0.35, 2)
        support = 0
        height_m = 0.0
        if placed and rng.random() < 0.17:
            support = int(rng.choice(list(placed)))
            below_m, below_size_m = placed[support][:2]
            ground_m = below_m[:2] + rng.uniform(-0.01, 0.01, 2)
            height_m = below_m[2] + below_size_m[2] / 2
        centre_m = np.array([*ground_m, height_m + size_m[2] / 2])
        placed[number] = (centre_m, size_m, support, extents_m, yaw_rad)
    return placed


def _in_camera(pose: np.ndarray, point_m: np.ndarray) -> np.ndarray:
    return pose[:3, :3].T @ (point_m - pose[:3, 3])


def _extent_px(pose, intrinsics, centre_m, size_m, side):
    corners = centre_m + (np.indices((2, 2, 2)).reshape(3, 8).T - 0.5) * size_m
    seen = (corners - pose[:3, 3]) @ pose[:3, :3]
    pixel = (seen[:, :2] / seen[:, 2:]) * intrinsics[0, 0] + intrinsics[0, 2]
    low, high = np.floor(pixel.min(0)).astype(int), np.ceil(pixel.max(0)).astype(int)
    cut = bool((low < 0).any() or (high > side).any())
    (x1, y1), (x2, y2) = np.clip(low, 0, side), np.clip(high, 0, side)
    return int(x1), int(y1), int(x2), int(y2), cut
