"""A compiled table-top that holds more objects than one picture shows, so that most pictures need no recompiling.

World frame = table frame: origin in the middle of the table top, z up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.footprints import Pose, resting_pose
from kosmos_sim.meshes import turn
from kosmos_sim.objects import CATEGORIES, TableObject
from kosmos_sim.variety import TRAINED, Variety
from kosmos_sim.visuals import VISUAL_GROUP, add_visual, coloured_parts

SLOTS = 24
SURFACES = 6
SURFACE_PIXELS = 256
SHADOW_MAP_PIXELS = 512
CAMERA = "camera"
_COPIES = (3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1)
_AWAY_M = (0.0, 0.0, -5.0)
_GEOM = mujoco.mjtGeom
Extras = Callable[[mujoco.MjSpec], None]


@dataclass(frozen=True)
class Slot:
    """An object of the model, shown or not. Indices are those of the compiled model."""

    obj: TableObject
    mocap: int
    geoms: NDArray[np.int32]
    coloured_materials: NDArray[np.int32]
    standing: Pose
    lying: Pose | None

    @property
    def category(self) -> str:
        return self.obj.category


@dataclass(frozen=True)
class Scene:
    """The compiled model, its state, and where everything is in it. extra_geoms: what `extras` added."""

    model: mujoco.MjModel
    data: mujoco.MjData
    slots: tuple[Slot, ...]
    surface_materials: NDArray[np.int32]
    extra_geoms: NDArray[np.int32]

    def clear(self) -> None:
        """Hides every object."""
        self.data.mocap_pos[:] = _AWAY_M
        self.model.geom_rgba[self.model.geom_group == VISUAL_GROUP, 3] = 0


def compile_scene(
    rng: np.random.Generator, draw_pixels: int, extras: Extras | None = None, variety: Variety = TRAINED
) -> Scene:
    """draw_pixels: largest side that will be drawn. extras: adds to the spec, such as an arm in the background."""
    spec = mujoco.MjSpec()
    set_quality(spec, draw_pixels)
    add_surroundings(spec, rng, variety)
    objects = _draw_objects(rng, variety)
    for index, obj in enumerate(objects):
        add_visual(spec, spec.worldbody.add_body(name=f"object{index}", mocap=True), f"object{index}", obj, None)
    if extras is not None:
        extras(spec)
    model = spec.compile()
    slots = tuple(_slot(model, index, obj) for index, obj in enumerate(objects))
    surfaces = np.array([model.material(f"surface{index}").id for index in range(SURFACES)], dtype=np.int32)
    owned = np.concatenate([slot.geoms for slot in slots])
    extra = np.setdiff1d(np.flatnonzero(model.geom_bodyid > 0), owned).astype(np.int32)
    return Scene(model, mujoco.MjData(model), slots, surfaces, extra)


def set_quality(spec: mujoco.MjSpec, draw_pixels: int) -> None:
    """Depth range, shadow map, and an off-screen buffer for pictures of up to `draw_pixels` on a side."""
    visual = spec.visual
    visual.global_.offwidth = visual.global_.offheight = draw_pixels
    visual.quality.shadowsize, visual.quality.offsamples = SHADOW_MAP_PIXELS, 0
    # With extent 1 these are metres; a nearer plane costs depth precision.
    visual.map.znear, visual.map.zfar, visual.map.shadowclip = 0.02, 8.0, 0.9
    spec.stat.extent, spec.stat.center = 1.0, [0, 0, 0]


def add_surroundings(spec: mujoco.MjSpec, rng: np.random.Generator, variety: Variety = TRAINED) -> None:
    """Floor, table, place mat, four walls, two lights, the camera, and materials `surface0` and on for them."""
    for index in range(SURFACES):
        _add_surface(spec, f"surface{index}", variety.surface(rng, SURFACE_PIXELS))
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        width=64,
        height=384,
        rgb1=list(rng.uniform(0.5, 0.95, 3)),
        rgb2=list(rng.uniform(0.3, 0.8, 3)),
    )
    world = spec.worldbody
    world.add_geom(name="floor", type=_GEOM.mjGEOM_PLANE, size=[3, 3, 0.1], pos=[0, 0, -0.75], material="surface0")
    world.add_geom(name="table", type=_GEOM.mjGEOM_BOX, size=[0.6, 0.45, 0.02], pos=[0, 0, -0.02], material="surface1")
    world.add_geom(name="mat", type=_GEOM.mjGEOM_BOX, size=[0.1, 0.1, 0.0004], pos=[0, 0, 0], material="surface2")
    for index, (x, y) in enumerate(((0, 1), (1, 0), (0, -1), (-1, 0))):
        size = [0.02 if x else 3, 0.02 if y else 3, 1.6]
        world.add_geom(
            name=f"wall{index}", type=_GEOM.mjGEOM_BOX, size=size, pos=[x * 1.8, y * 1.8, 0.4], material="surface3"
        )
    for index in range(2):
        world.add_light(
            name=f"light{index}",
            pos=[0, 0, 1.6],
            dir=[0, 0, -1],
            castshadow=index == 0,
            # Spot lights with a narrow cut-off leave dotted shadows.
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        )
    world.add_camera(name=CAMERA, pos=[0, -0.8, 0.6], fovy=45)


def _add_surface(spec: mujoco.MjSpec, name: str, pixels: NDArray[np.uint8]) -> None:
    height, width, channels = pixels.shape
    image = spec.add_texture(
        name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=width, height=height, nchannel=channels
    )
    image.data = pixels.tobytes()
    material = spec.add_material(name=name, specular=0.15, shininess=0.2, texrepeat=[2, 2])
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name


def _draw_objects(rng: np.random.Generator, variety: Variety) -> list[TableObject]:
    """Some categories several times and in several sizes, so that words like "bigger" and "left" are needed."""
    words = rng.permutation(list(CATEGORIES))[: len(_COPIES)]
    objects = []
    for word, copies in zip(words, _COPIES, strict=True):
        scales = rng.permutation(np.linspace(0.82, 1.22, copies) if copies > 1 else np.array([1.0]))
        builder = CATEGORIES[str(word)]
        drawn = ((builder(rng, variety.proportions(rng)), scale) for scale in scales)
        objects += [obj.scaled(float(scale * rng.uniform(0.93, 1.08))) for obj, scale in drawn]
    return objects


def _slot(model: mujoco.MjModel, index: int, obj: TableObject) -> Slot:
    body = model.body(f"object{index}").id
    geoms = np.flatnonzero(model.geom_bodyid == body).astype(np.int32)
    coloured = model.geom_matid[geoms[list(coloured_parts(obj))]].astype(np.int32)
    lying = None
    if obj.lying_deg is not None:
        lying = resting_pose(turn(obj.vertices, "y", obj.lying_deg), obj.lying_deg)
    return Slot(obj, int(model.body_mocapid[body]), geoms, coloured, resting_pose(obj.vertices, 0.0), lying)
