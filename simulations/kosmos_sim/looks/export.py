"""A staged scene as plain triangles, colours and a camera: what any other renderer needs to draw the same picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.looks.geometry import triangles
from kosmos_sim.render import camera_pose
from kosmos_sim.scene import CAMERA, Scene
from kosmos_sim.stream import StagedRecord

_DRAWN_GROUPS = 3
"""MuJoCo draws the geom groups 0, 1 and 2."""
Rgb = tuple[float, float, float]


class Role(Enum):
    """What a surface belongs to."""

    OBJECT = "object"
    ARM = "arm"
    SURROUNDINGS = "surroundings"


@dataclass(frozen=True)
class Surface:
    """One visible geom.

    corners_m, normals: (T, 3, 3) in the table frame. uv_m: (T, 3, 2) metres across the surface, from the face's main
    direction. rgb: sRGB in [0, 1]. texture: (N, N, 3) uint8 sRGB to repeat over it, times `rgb`.
    owner: index among the placements; -1 for what is no object. named: it carries the colour the object is named by.
    """

    geom: int
    role: Role
    owner: int
    named: bool
    corners_m: NDArray[np.float64]
    normals: NDArray[np.float64]
    uv_m: NDArray[np.float64]
    rgb: Rgb
    shininess: float
    texture: NDArray[np.uint8] | None


@dataclass(frozen=True)
class ExportedScene:
    """T_table_camera: (4, 4) of the optical frame (x right, y down, z forward). The picture is `size_px` square."""

    surfaces: tuple[Surface, ...]
    T_table_camera: NDArray[np.float64]
    fovy_deg: float
    size_px: int


def export(staged: StagedRecord) -> ExportedScene:
    """Everything that MuJoCo draws of the scene as it is staged now; not its lights."""
    scene = staged.scene
    model = scene.model
    owners = {int(geom): index for index, item in enumerate(staged.staging.placements) for geom in item.slot.geoms}
    named = {int(m) for item in staged.staging.placements for m in item.slot.coloured_materials if item.choice.rgb}
    shown = (geom for geom in range(model.ngeom) if _is_drawn(model, geom))
    return ExportedScene(
        tuple(_surface(scene, geom, owners.get(geom, -1), int(model.geom_matid[geom]) in named) for geom in shown),
        camera_pose(model, scene.data, CAMERA),
        float(model.cam_fovy[model.camera(CAMERA).id]),
        staged.record.rgb.shape[0],
    )


def _is_drawn(model: mujoco.MjModel, geom: int) -> bool:
    return bool(model.geom_group[geom] < _DRAWN_GROUPS and model.geom_rgba[geom, 3] > 0)


def _surface(scene: Scene, geom: int, owner: int, named: bool) -> Surface:
    model, data = scene.model, scene.data
    local = triangles(model, geom)
    rotation = data.geom_xmat[geom].reshape(3, 3)
    arm = bool(np.isin(geom, scene.extra_geoms))
    material = int(model.geom_matid[geom])
    colour = model.geom_rgba[geom, :3] if material < 0 else model.mat_rgba[material, :3]
    corners = local.corners_m @ rotation.T + data.geom_xpos[geom]
    return Surface(
        geom,
        Role.OBJECT if owner >= 0 else Role.ARM if arm else Role.SURROUNDINGS,
        owner,
        named,
        corners,
        local.normals @ rotation.T,
        flat_uv(local.corners_m if owner >= 0 else corners),
        (float(colour[0]), float(colour[1]), float(colour[2])),
        float(model.mat_shininess[material]) if material >= 0 else 0.5,
        _texture(model, material),
    )


def flat_uv(corners_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 3, 2): each triangle is seen along the axis that it faces most; the grain (u) runs upwards on its sides."""
    facing = np.abs(np.cross(corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0])).argmax(axis=1)
    axes = np.array([(2, 1), (2, 0), (0, 1)])[facing]
    picked: NDArray[np.float64] = np.take_along_axis(corners_m, axes[:, None, :].repeat(3, axis=1), axis=2)
    return picked


def _texture(model: mujoco.MjModel, material: int) -> NDArray[np.uint8] | None:
    """The pixels of the material's colour texture, rows from the top as they were given."""
    index = int(model.mat_texid[material, int(mujoco.mjtTextureRole.mjTEXROLE_RGB)]) if material >= 0 else -1
    if index < 0:
        return None
    height, width, channels = model.tex_height[index], model.tex_width[index], model.tex_nchannel[index]
    first = model.tex_adr[index]
    pixels: NDArray[np.uint8] = model.tex_data[first : first + height * width * channels].reshape(
        height, width, channels
    )
    return pixels.copy()
