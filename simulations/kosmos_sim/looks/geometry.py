"""Triangles of a MuJoCo geom in its own frame, with normals: meshes, and the primitives that MuJoCo draws itself."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.meshes import Mesh, cuboid, lathe

_GEOM = mujoco.mjtGeom
_CYLINDER_SEGMENTS = 48
_SMOOTH_BELOW_RAD = np.deg2rad(40)
_FLOOR_HALF_M = 3.0


@dataclass(frozen=True)
class Triangles:
    """corners_m, normals: (T, 3, 3) float64, each triangle with corners of its own."""

    corners_m: NDArray[np.float64]
    normals: NDArray[np.float64]


def triangles(model: mujoco.MjModel, geom: int) -> Triangles:
    """InvalidArgumentError for a kind of geom that scenes do not use."""
    kind = int(model.geom_type[geom])
    if kind == int(_GEOM.mjGEOM_MESH):
        return _with_normals(_of_mesh(model, int(model.geom_dataid[geom])))
    return _with_normals(_primitive(kind, model.geom_size[geom]))


def _of_mesh(model: mujoco.MjModel, mesh: int) -> Mesh:
    vertices = model.mesh_vert[model.mesh_vertadr[mesh] :][: model.mesh_vertnum[mesh]]
    faces = model.mesh_face[model.mesh_faceadr[mesh] :][: model.mesh_facenum[mesh]]
    return Mesh(vertices.astype(np.float64), faces.copy())


def _primitive(kind: int, size_m: NDArray[np.float64]) -> Mesh:
    if kind == int(_GEOM.mjGEOM_PLANE):
        reach = [side or _FLOOR_HALF_M for side in size_m[:2]]
        signs = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])
        return Mesh(signs * (*reach, 0.0), np.array([(0, 1, 2), (0, 2, 3)], np.int32))
    if kind == int(_GEOM.mjGEOM_BOX):
        return cuboid(size_m[0], size_m[1], 2 * size_m[2]).moved(z=-size_m[2])
    radius, half = float(size_m[0]), float(size_m[1])
    if kind == int(_GEOM.mjGEOM_CYLINDER):
        return lathe([(0, -half), (radius, -half), (radius, half), (0, half)], _CYLINDER_SEGMENTS)
    if kind == int(_GEOM.mjGEOM_CAPSULE):
        return _capsule(radius, half)
    if kind == int(_GEOM.mjGEOM_SPHERE):
        return _capsule(radius, 0.0)
    raise InvalidArgumentError(f"geom of type {kind}; valid: plane, box, cylinder, capsule, sphere, mesh")


def _capsule(radius_m: float, half_m: float) -> Mesh:
    angles = np.linspace(-np.pi / 2, np.pi / 2, 24)
    z = radius_m * np.sin(angles) + np.where(angles < 0, -half_m, half_m)
    around = radius_m * np.cos(angles)
    around[[0, -1]] = 0
    return lathe(np.column_stack([around, z]), _CYLINDER_SEGMENTS)


def _with_normals(mesh: Mesh) -> Triangles:
    """Corners that meet at a blunt angle share a normal; sharp edges stay sharp.

    MuJoCo's own normals are one for each vertex, which a path tracer punishes with black spots at edges.
    """
    corners = mesh.vertices[mesh.faces]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = _unit(crossed)
    normals = np.empty((mesh.faces.size, 3))
    order = np.argsort(mesh.faces.ravel(), kind="stable")
    ends = np.flatnonzero(np.diff(mesh.faces.ravel()[order])) + 1
    for around in np.split(order, ends):
        rows = around // 3
        alike = flat[rows] @ flat[rows].T > np.cos(_SMOOTH_BELOW_RAD)
        normals[around] = _unit(alike @ crossed[rows])
    return Triangles(corners, normals.reshape(-1, 3, 3))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of triangles without area: z, and no division by zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: NDArray[np.float64] = np.where(lengths > 0, vectors / np.maximum(lengths, 1e-30), (0.0, 0.0, 1.0))
    return result
