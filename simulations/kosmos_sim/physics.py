"""What objects weigh and touch with: convex primitives and pieces, never the visible mesh as a whole.

Hollow vessels are a ring of slabs on a bottom plate, so that a finger fits inside and a rim can be held.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.arm import ARM_BIT, OBJECT_BIT, TABLE_BIT
from kosmos_sim.hulls import Points, sliced, stacked, wedges, whole
from kosmos_sim.objects import (
    BoxShape,
    CollisionShape,
    CylinderShape,
    SphereShape,
    TableObject,
    VesselShape,
)

COLLISION_GROUP = 3
SLABS = 14
_CONTACT: dict[str, Any] = {
    "contype": OBJECT_BIT,
    "conaffinity": TABLE_BIT | OBJECT_BIT | ARM_BIT,
    "group": COLLISION_GROUP,
    # The last is rolling friction: on a real table a marker comes to rest, a perfect cylinder never does.
    "friction": [0.9, 0.01, 0.002],
    "condim": 6,
    "rgba": [0.0, 0.0, 0.0, 0.0],
    "solref": [0.01, 1.0],
}

_PIECES: dict[str, Callable[[TableObject], list[Points]]] = {
    "bottle": stacked,
    "vase": stacked,
    "jar": stacked,
    "cone": whole,
    "pear": lambda obj: stacked(obj, (0,)),
    "apple": whole,
    "banana": lambda obj: sliced(obj, 7, (0,)),
    "carrot": lambda obj: sliced(obj, 5, (0,)),
    "marker": lambda obj: sliced(obj, 1, (0,)),
    "screwdriver": lambda obj: sliced(obj, 4),
    "hammer": lambda obj: sliced(obj, 2),
    "spoon": lambda obj: sliced(obj, 7),
    "fork": lambda obj: sliced(obj, 7),
    "donut": lambda obj: wedges(obj.vertices, 16, with_axis=False),
    "star": lambda obj: wedges(obj.vertices, 5, math.pi / 5),
}
"""Categories whose own collision shapes are too coarse to be held by."""


def add_physics(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, obj: TableObject, mass_kg: float) -> None:
    """Adds invisible collision geoms that together weigh `mass_kg`."""
    cut = _PIECES.get(obj.category)
    if cut is None:
        for shape in obj.collision:
            _add_shape(body, shape, mass_kg / len(obj.collision))
        return
    pieces = cut(obj)
    sizes = [float(np.prod(np.ptp(piece, axis=0))) for piece in pieces]
    for index, (piece, size) in enumerate(zip(pieces, sizes, strict=True)):
        _add_hull(spec, body, f"{name}_hull{index}", piece, mass_kg * size / sum(sizes))


def _add_hull(
    spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, points: NDArray[np.float64], mass_kg: float
) -> None:
    spec.add_mesh(name=name, uservert=points.ravel(), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX)
    body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, mass=mass_kg, **_CONTACT)


def _add_shape(body: mujoco.MjsBody, shape: CollisionShape, mass_kg: float) -> None:
    match shape:
        case CylinderShape(radius_m=radius, height_m=height, bottom_m=bottom):
            _add_cylinder(body, radius, height, bottom, mass_kg)
        case BoxShape(half_m=half, centre_m=centre):
            body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=list(half), pos=list(centre), mass=mass_kg, **_CONTACT)
        case SphereShape(radius_m=radius, centre_z_m=height):
            size = [radius, 0.0, 0.0]
            body.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=size, pos=[0, 0, height], mass=mass_kg, **_CONTACT)
        case VesselShape():
            _add_vessel(body, shape, mass_kg)


def _add_cylinder(body: mujoco.MjsBody, radius: float, height: float, bottom: float, mass_kg: float) -> None:
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[radius, height / 2, 0],
        pos=[0, 0, bottom + height / 2],
        mass=mass_kg,
        **_CONTACT,
    )


def _add_vessel(body: mujoco.MjsBody, shape: VesselShape, mass_kg: float) -> None:
    tilt = math.atan2(shape.top_radius_m - shape.bottom_radius_m, shape.height_m)
    middle_radius = (shape.bottom_radius_m + shape.top_radius_m) / 2
    half_wall = shape.wall_m / 2
    lean = np.array([math.cos(tilt / 2), 0.0, math.sin(tilt / 2), 0.0])
    for index in range(SLABS):
        angle = 2 * math.pi * index / SLABS
        turn = np.array([math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2)])
        quat = np.zeros(4)
        mujoco.mju_mulQuat(quat, turn, lean)
        reach = middle_radius - half_wall / math.cos(tilt)
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[half_wall, middle_radius * math.tan(math.pi / SLABS), shape.height_m / 2 / math.cos(tilt)],
            pos=[reach * math.cos(angle), reach * math.sin(angle), shape.height_m / 2],
            quat=quat.tolist(),
            mass=0.75 * mass_kg / SLABS,
            **_CONTACT,
        )
    _add_cylinder(body, shape.bottom_radius_m * 0.95, 0.006, 0.0, 0.25 * mass_kg)
