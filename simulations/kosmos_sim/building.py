"""Writes the MuJoCo model of a laid table: surroundings, arm, cameras, and objects that can be held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from kosmos_sim.arm import ARM_BIT, OBJECT_BIT, add_arm, set_arm
from kosmos_sim.physics import add_physics
from kosmos_sim.rig import TABLE_MIDDLE_M, add_cameras
from kosmos_sim.scene import SURFACES, add_surroundings, set_quality
from kosmos_sim.setting import Placing
from kosmos_sim.staging import light
from kosmos_sim.visuals import add_visual

TIMESTEP_S = 0.004
SETTLE_S = 0.6
"""Simulated time in which things come to rest before anyone looks."""
MASS_KG = (0.06, 0.16)
_DROP_M = 0.001
_RAYS = 120
_VISIBLE_GROUPS = np.array([0, 1, 1, 0, 0, 0], np.uint8)
"""Things and arm; leaves out the surroundings and the invisible collision shapes."""


@dataclass(frozen=True)
class Item:
    """An object of the world: its body's name in the model, what it is, and how it was put down."""

    name: str
    placing: Placing

    @property
    def category(self) -> str:
        return self.placing.choice.obj.category

    @property
    def colour(self) -> str:
        return self.placing.choice.colour


@dataclass(frozen=True)
class Built:
    """A compiled world at rest, with the arm at home. cameras: public name -> camera in the model."""

    model: mujoco.MjModel
    data: mujoco.MjData
    items: tuple[Item, ...]
    cameras: dict[str, str]


def build(placings: Sequence[Placing], rng: np.random.Generator, largest_px: int) -> Built:
    """largest_px: largest side that will be drawn, supersampling included."""
    spec = mujoco.MjSpec()
    set_quality(spec, largest_px)
    _set_solver(spec)
    add_surroundings(spec, rng)
    _arrange_surroundings(spec, rng)
    add_arm(spec)
    cameras = add_cameras(spec, rng)
    items = tuple(Item(f"item{index}", placing) for index, placing in enumerate(placings))
    for item in items:
        _add_item(spec, item, float(rng.uniform(*MASS_KG)))
    model = spec.compile()
    light(model, rng)
    model.light_pos[:] += TABLE_MIDDLE_M
    data = mujoco.MjData(model)
    set_arm(model, data)
    mujoco.mj_step(model, data, round(SETTLE_S / TIMESTEP_S))
    mujoco.mj_forward(model, data)
    return Built(model, data, items, cameras)


def free_share(built: Built, item: Item, camera: str) -> float:
    """Share of a thing's surface points that no other thing hides from a camera; its own far side counts as free."""
    model, data = built.model, built.data
    body = data.body(item.name)
    vertices = item.placing.choice.obj.vertices
    points = vertices[:: max(1, len(vertices) // _RAYS)] @ body.xmat.reshape(3, 3).T + body.xpos
    eye = data.cam(built.cameras[camera]).xpos
    geom = np.zeros(1, np.int32)
    hidden = 0
    for point in points:
        hit = mujoco.mj_ray(model, data, eye, point - eye, _VISIBLE_GROUPS, 1, body.id, geom)
        hidden += bool(0 <= hit < 1)  # in lengths of the ray
    return 1 - hidden / len(points)


def _set_solver(spec: mujoco.MjSpec) -> None:
    spec.option.timestep = TIMESTEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10.0


def _arrange_surroundings(spec: mujoco.MjSpec, rng: np.random.Generator) -> None:
    """Moves the table under arm and objects, turns the walls around it, and picks materials."""
    for material in spec.materials:
        shade = rng.uniform(0.8, 1.0) * rng.uniform(0.92, 1.0, 3)
        material.rgba = [*shade, 1.0]
        material.texrepeat = [float(rng.uniform(1.0, 3.5))] * 2
    floor, table, mat, wall = (f"surface{index}" for index in rng.choice(SURFACES, 4, replace=False))
    half = rng.uniform((0.62, 0.5), (0.85, 0.75))
    middle = TABLE_MIDDLE_M[:2] - (0.1, 0.0)
    _set_geom(spec, "floor", floor, touches=False)
    _set_geom(spec, "table", table, touches=True)
    spec.geom("table").pos = [*middle, -0.02]
    spec.geom("table").size = [*half, 0.02]
    _set_geom(spec, "mat", mat, touches=False)
    spec.geom("mat").rgba = [1.0, 1.0, 1.0, 0.0]
    for index in range(4):
        geom = spec.geom(f"wall{index}")
        _set_geom(spec, geom.name, wall, touches=False)
        axis = 1 if index % 2 == 0 else 0
        position = np.array(geom.pos)
        position[axis] = np.sign(position[axis]) * rng.uniform(1.6, 2.6)
        geom.pos = (position + TABLE_MIDDLE_M).tolist()


def _set_geom(spec: mujoco.MjSpec, name: str, material: str, *, touches: bool) -> None:
    geom = spec.geom(name)
    geom.material = material
    geom.contype = 1 if touches else 0
    geom.conaffinity = OBJECT_BIT | ARM_BIT if touches else 0
    geom.friction = [0.9, 0.01, 0.002]


def _add_item(spec: mujoco.MjSpec, item: Item, mass_kg: float) -> None:
    placing = item.placing
    turn = [float(np.cos(placing.yaw_rad / 2)), 0.0, 0.0, float(np.sin(placing.yaw_rad / 2))]
    body = spec.worldbody.add_body(name=item.name, pos=[*placing.position_m, _DROP_M], quat=turn)
    body.add_freejoint()
    add_visual(spec, body, item.name, placing.choice.obj, placing.choice.rgb)
    add_physics(spec, body, item.name, placing.choice.obj, mass_kg)
