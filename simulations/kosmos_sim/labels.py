"""From ids and poses to what a record says of each visible object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.layout import Placement
from kosmos_sim.meshes import Vertices, turn
from kosmos_sim.records import SceneObject
from kosmos_sim.render import Layers, Renderer

MIN_PIXELS = 4
"""Less than this of an object does not count as showing."""
_TOUCH_PX = 2

PixelBox = tuple[int, int, int, int]
"""x1, y1, x2, y2; x2 and y2 exclusive."""


def placement_map(geoms: NDArray[np.int32], placements: list[Placement], geom_count: int) -> NDArray[np.int16]:
    """(H, W): index of the placement that each pixel shows, -1 for none."""
    table = np.full(geom_count + 1, -1, np.int16)
    for index, placement in enumerate(placements):
        table[placement.slot.geoms] = index
    owners: NDArray[np.int16] = table[geoms]  # -1 reads the last entry, which is -1
    return owners


def tight_box(mask: NDArray[np.bool_]) -> PixelBox:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True)
class Shot:
    """One drawn picture before it is described.

    obstacles: geoms that may hide an object without being one, such as an arm.
    """

    placements: list[Placement]
    layers: Layers
    renderer: Renderer
    geom_count: int
    obstacles: NDArray[np.int32]
    intrinsics: NDArray[np.float64]
    T_table_camera: NDArray[np.float64]


def describe(shot: Shot) -> tuple[tuple[SceneObject, ...], NDArray[np.uint8]]:
    """Objects by falling pixel count, and the full-size map of their `instance` values.

    `on` is 0 also where the thing below does not show.
    """
    owners = placement_map(shot.layers.geoms, shot.placements, shot.geom_count)
    counts = np.bincount(owners[owners >= 0], minlength=len(shot.placements))
    order = [int(index) for index in np.argsort(-counts, kind="stable") if counts[index] >= MIN_PIXELS]
    table = np.zeros(len(shot.placements) + 1, np.uint8)
    table[order] = np.arange(1, len(order) + 1)
    instances: NDArray[np.uint8] = table[owners]
    could_hide = (owners >= 0) | np.isin(shot.layers.geoms, shot.obstacles)
    objects = [_describe_one(shot, index, table, owners == index, could_hide) for index in order]
    return tuple(objects), instances


def _describe_one(
    shot: Shot, index: int, instance_of: NDArray[np.uint8], mask: NDArray[np.bool_], could_hide: NDArray[np.bool_]
) -> SceneObject:
    placement = shot.placements[index]
    height, width = mask.shape
    x1, y1, x2, y2 = tight_box(mask)
    points_table = _points_table(placement)
    low, high = points_table.min(axis=0), points_table.max(axis=0)
    T_camera_table = np.linalg.inv(shot.T_table_camera)
    rotation, offset = T_camera_table[:3, :3], T_camera_table[:3, 3]
    points_camera = points_table @ rotation.T + offset
    pixels, visible = int(np.count_nonzero(mask)), 1.0
    if _nearer_things_beside(shot.layers, mask, (x1, y1, x2, y2), could_hide, float(points_camera[:, 2].max())):
        visible = min(1.0, pixels / max(1, shot.renderer.alone_pixels(placement.slot.geoms)))
    return SceneObject(
        category=placement.slot.category,
        colour=placement.choice.colour,
        box=(x1 / width, y1 / height, x2 / width, y2 / height),
        instance=int(instance_of[index]),
        pixels=pixels,
        visible=visible,
        truncated=_reaches_out(points_camera, shot.intrinsics, width, height),
        position_camera_m=_triple(rotation @ ((low + high) / 2) + offset),
        position_table_m=_triple((low + high) / 2),
        size_m=_triple(high - low),
        extents_m=_triple(placement.slot.obj.extents),
        yaw_rad=float(placement.yaw_rad),
        on=int(instance_of[placement.on]) if placement.on >= 0 else 0,
    )


def _nearer_things_beside(
    layers: Layers, mask: NDArray[np.bool_], box_px: PixelBox, could_hide: NDArray[np.bool_], farthest_m: float
) -> bool:
    """Whether part of an object can be hidden: what hides it touches its visible part and is nearer than its far end.

    Saves most of the extra draws that the visible share would cost.
    """
    x1, y1, x2, y2 = box_px
    around = np.s_[max(0, y1 - _TOUCH_PX) : y2 + _TOUCH_PX, max(0, x1 - _TOUCH_PX) : x2 + _TOUCH_PX]
    nearer = could_hide[around] & ~mask[around] & (layers.depth_m[around] < farthest_m)
    return bool(nearer.any())


def _points_table(placement: Placement) -> Vertices:
    lying = turn(placement.slot.obj.vertices, "y", placement.pose.lying_deg)
    return turn(lying, "z", float(np.rad2deg(placement.yaw_rad))) + placement.position_m


def _reaches_out(points_camera: Vertices, K: NDArray[np.float64], width: int, height: int) -> bool:
    x, y, z = points_camera.T
    if (z <= 0).any():
        return True
    u, v = K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]
    return bool((u < 0).any() or (u > width).any() or (v < 0).any() or (v > height).any())


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
