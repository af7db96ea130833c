"""Puts the visible meshes of an object into a MuJoCo model that is being written."""

from __future__ import annotations

import mujoco
import numpy as np

from kosmos_sim.colours import Rgb
from kosmos_sim.objects.model import TableObject

VISUAL_GROUP = 1


def add_visual(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, obj: TableObject, rgb: Rgb | None) -> None:
    """Adds one mesh geom and material `{name}_{part}` for each part: visible, massless, touching nothing.

    rgb: components in [0, 1] of the parts that carry the named colour; unused by naturally coloured objects.
    """
    for index, part in enumerate(obj.parts):
        part_name = f"{name}_{index}"
        mesh = spec.add_mesh(
            name=part_name,
            uservert=part.mesh.vertices.ravel(),
            userface=part.mesh.faces.ravel(),
            # SHELL: thin and open meshes have no volume to integrate.
            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
        )
        mesh.smoothnormal = False  # keeps sharp edges sharp, still smooths curved ones
        colour = part.rgb or rgb or (1.0, 1.0, 1.0)
        spec.add_material(name=part_name, rgba=[*colour, 1.0], specular=0.5 * part.shininess, shininess=part.shininess)
        body.add_geom(
            name=part_name,
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=part_name,
            material=part_name,
            contype=0,
            conaffinity=0,
            mass=0.0,
            group=VISUAL_GROUP,
        )


def coloured_parts(obj: TableObject) -> tuple[int, ...]:
    """Indices of the parts that take the named colour."""
    return tuple(int(index) for index in np.flatnonzero([part.rgb is None for part in obj.parts]))
