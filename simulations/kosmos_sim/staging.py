"""Sets a compiled scene up for one picture: poses, colours, surroundings, lights, camera. Nothing is recompiled."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.background_arm import BASE_M, BASE_RADIUS_M, pose_background_arm
from kosmos_sim.cameras import View, sample_view
from kosmos_sim.layout import Placement, Region, arrange
from kosmos_sim.scene import CAMERA, Scene
from kosmos_sim.selection import choose

_MAT_SHARE = 0.25
_SHADOW_SHARE = 0.7
ARM_FOOTPRINT = np.array([[BASE_M[0], BASE_M[1], BASE_RADIUS_M]])
NOTHING = np.empty((0, 3))


@dataclass(frozen=True)
class Staging:
    """What was staged, and how to draw it: `brightness` is the mean grey level to expose for."""

    view: View
    placements: list[Placement]
    shadow: bool
    brightness: float
    white_balance: NDArray[np.float64]


def stage(scene: Scene, rng: np.random.Generator, mount: str | None = None) -> Staging:
    """Draws and applies a new picture's content; `mount` names a camera of `cameras.MOUNTS`."""
    scene.clear()
    view = sample_view(rng, mount)
    table_half = rng.uniform((0.58, 0.38), (0.85, 0.65))
    choices = choose([slot.obj for slot in scene.slots], rng)
    blocked = ARM_FOOTPRINT if len(scene.extra_geoms) else NOTHING
    placements = arrange(choices, scene.slots, Region.seen(view, table_half, blocked), rng)
    for placement in placements:
        _show(scene, placement)
    _dress(scene, view, table_half, rng)
    light(scene.model, rng)
    camera = scene.model.camera(CAMERA).id
    scene.model.cam_pos[camera] = view.eye_m
    mujoco.mju_mat2Quat(scene.model.cam_quat[camera], view.rotation.ravel())
    scene.model.cam_fovy[camera] = view.fovy_deg
    if len(scene.extra_geoms):
        pose_background_arm(scene.model, scene.data, scene.extra_geoms, view.eye_m, rng)
    mujoco.mj_kinematics(scene.model, scene.data)
    mujoco.mj_camlight(scene.model, scene.data)
    shadow = bool(rng.random() < _SHADOW_SHARE)
    return Staging(view, placements, shadow, rng.uniform(98, 140), 1 + rng.uniform(-0.05, 0.05, 3))


def _show(scene: Scene, placement: Placement) -> None:
    slot, yaw, lying = placement.slot, placement.yaw_rad, np.deg2rad(placement.pose.lying_deg)
    about_z = np.array([np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)])
    about_y = np.array([np.cos(lying / 2), 0, np.sin(lying / 2), 0])
    scene.data.mocap_pos[slot.mocap] = placement.position_m
    mujoco.mju_mulQuat(scene.data.mocap_quat[slot.mocap], about_z, about_y)
    scene.model.geom_rgba[slot.geoms, 3] = 1
    if placement.choice.rgb is not None:
        scene.model.mat_rgba[slot.coloured_materials, :3] = placement.choice.rgb


def _dress(scene: Scene, view: View, table_half_m: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Surfaces, table size, walls, place mat."""
    model = scene.model
    for material in scene.surface_materials:
        model.mat_rgba[material, :3] = rng.uniform(0.8, 1.0) * rng.uniform(0.92, 1.0, 3)
        model.mat_texrepeat[material] = rng.uniform(1.0, 3.5)
    floor, table, mat, wall = rng.choice(scene.surface_materials, 4, replace=False)
    model.geom_matid[model.geom("floor").id] = floor
    model.geom_matid[model.geom("table").id] = table
    model.geom_size[model.geom("table").id, :2] = table_half_m
    for index in range(4):
        geom = model.geom(f"wall{index}").id
        model.geom_matid[geom] = wall
        axis = 1 if index % 2 == 0 else 0
        side, distance = np.sign(model.geom_pos[geom, axis]), rng.uniform(1.5, 2.6)
        in_front_of_it = view.eye_m[axis] * side < distance - 0.1
        model.geom_pos[geom, axis] = side * distance
        model.geom_rgba[geom, 3] = float(rng.random() < 0.75 and in_front_of_it)
    _lay_mat(model, view, mat, table_half_m, rng)


def _lay_mat(
    model: mujoco.MjModel, view: View, material: int, table_half_m: NDArray[np.float64], rng: np.random.Generator
) -> None:
    geom = model.geom("mat").id
    yaw = rng.uniform(-0.4, 0.4)
    half = rng.uniform((0.08, 0.1), (0.16, 0.22))
    room = np.maximum(table_half_m - half.max() * 1.3, 0.0)
    middle = np.clip(view.target_m[:2] + rng.uniform(-0.12, 0.12, 2), -room, room)
    model.geom_matid[geom] = material
    model.geom_rgba[geom, 3] = float(rng.random() < _MAT_SHARE)
    model.geom_size[geom, :2] = half
    model.geom_pos[geom, :2] = middle
    model.geom_quat[geom] = (np.cos(yaw / 2), 0, 0, np.sin(yaw / 2))


def light(model: mujoco.MjModel, rng: np.random.Generator) -> None:
    """Lamps, the camera's own light and ambient light; together about 1, else bright colours wash out."""
    lamps = np.array([rng.uniform(0.3, 0.58), *rng.uniform(0.0, 0.3, model.nlight - 1)])
    ambient, headlight = rng.uniform(0.42, 0.58), rng.uniform(0.08, 0.22)
    scale = rng.uniform(0.95, 1.12) / (lamps.sum() + ambient + headlight)
    for index, lamp in enumerate(lamps):
        position = np.array([*rng.uniform(-1.2, 1.2, 2), rng.uniform(1.1, 1.8)])
        model.light_pos[index] = position
        model.light_dir[index] = -position / np.linalg.norm(position)
        model.light_diffuse[index] = scale * lamp * (1 + rng.uniform(-0.06, 0.06, 3))
        model.light_specular[index] = rng.uniform(0.05, 0.35)
    model.vis.headlight.ambient[:] = scale * ambient
    model.vis.headlight.diffuse[:] = scale * headlight
    model.vis.headlight.specular[:] = rng.uniform(0.0, 0.15)
