"""What the simulator knows of one rendered picture: exact, from ids and poses, never from a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SceneObject:
    """One object that shows in the picture.

    box: tight box of the VISIBLE pixels, x1, y1, x2, y2 in [0, 1] of the picture.
    instance: its value in `SceneRecord.instances` (1 to 255).
    pixels: visible pixels in the full-size draw. visible: those over the pixels it has when drawn alone, 0 to 1.
    truncated: it reaches over the picture's edge.
    position_camera_m: middle of its extent in the optical frame (x right, y down, z forward).
    position_table_m: the same point in the table frame (z up, table top at 0).
    size_m: extent along x, y, z of the table frame; it grows and shrinks as the object is turned.
    extents_m: extent along the object's own axes, the same however it stands or lies.
    yaw_rad: turn about the table's z.
    on: `instance` of the object that it stands on or in; 0 is the table.
    """

    category: str
    colour: str
    box: tuple[float, float, float, float]
    instance: int
    pixels: int
    visible: float
    truncated: bool
    position_camera_m: tuple[float, float, float]
    position_table_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    extents_m: tuple[float, float, float]
    yaw_rad: float = 0.0
    on: int = 0


@dataclass(frozen=True)
class SceneRecord:
    """A labelled picture.

    rgb: (H, W, 3) uint8. instances: (M, M) uint8 map over the whole picture, 0 = no object; M may be below H.
    depth_m: (H, W) float32 metres along the optical axis, or None where it was not kept.
    intrinsics: (3, 3), pixels of `rgb`. T_table_camera: (4, 4), optical frame to table frame.
    """

    seed: int
    index: int
    rgb: NDArray[np.uint8]
    instances: NDArray[np.uint8]
    objects: tuple[SceneObject, ...]
    intrinsics: NDArray[np.float64]
    T_table_camera: NDArray[np.float64]
    depth_m: NDArray[np.float32] | None = None
