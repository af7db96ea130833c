"""Triangle meshes from a few generators: lathe, tube, prism, superquadric, torus. Lengths are metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vertices = NDArray[np.float64]
Faces = NDArray[np.int32]
_PLANES = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}


@dataclass(frozen=True)
class Mesh:
    """vertices: (V, 3) metres. faces: (F, 3) indices, counter-clockwise seen from outside."""

    vertices: Vertices
    faces: Faces

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        return Mesh(self.vertices + np.array([x, y, z]), self.faces)

    def scaled(self, x: float, y: float, z: float) -> Mesh:
        return Mesh(self.vertices * np.array([x, y, z]), self.faces)

    def grounded(self) -> Mesh:
        """Moved along z so that its lowest vertex is at 0."""
        return self.moved(z=-float(self.vertices[:, 2].min()))

    def turned(self, axis: str, degrees: float) -> Mesh:
        """Right-handed turn about a coordinate axis."""
        return Mesh(turn(self.vertices, axis, degrees), self.faces)


def turn(points: Vertices, axis: str, degrees: float) -> Vertices:
    """(N, 3) points turned right-handed about the axis "x", "y" or "z"."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    first, second = _PLANES[axis]
    result = np.array(points, dtype=np.float64)
    result[:, first] = cosine * points[:, first] - sine * points[:, second]
    result[:, second] = sine * points[:, first] + cosine * points[:, second]
    return result


def join(*meshes: Mesh) -> Mesh:
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    faces = [mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]
    return Mesh(np.vstack([mesh.vertices for mesh in meshes]), np.vstack(faces).astype(np.int32))


def _mesh(vertices: ArrayLike, faces: ArrayLike) -> Mesh:
    return Mesh(np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int32))


def _strip(lower: Sequence[int], upper: Sequence[int]) -> list[tuple[int, int, int]]:
    """Triangles between two closed rings of equal length; a ring may be one repeated point."""
    faces = []
    for i in range(len(lower)):
        j = (i + 1) % len(lower)
        if lower[i] != lower[j]:
            faces.append((lower[i], lower[j], upper[j]))
        if upper[i] != upper[j]:
            faces.append((lower[i], upper[j], upper[i]))
    return faces


def lathe(profile: ArrayLike, segments: int = 28) -> Mesh:
    """Revolves (radius, z) points about z, outside going up; points of radius 0 close the surface."""
    angles = np.arange(segments) * 2 * np.pi / segments
    vertices: list[tuple[float, float, float]] = []
    rings: list[list[int]] = []
    for radius, z in np.asarray(profile, dtype=np.float64):
        if radius < 1e-6:
            rings.append([len(vertices)] * segments)
            vertices.append((0.0, 0.0, z))
        else:
            rings.append(list(range(len(vertices), len(vertices) + segments)))
            vertices += [(radius * np.cos(angle), radius * np.sin(angle), z) for angle in angles]
    faces = [face for lower, upper in pairwise(rings) for face in _strip(lower, upper)]
    return _mesh(vertices, faces)


def tube(
    path: ArrayLike,
    radius: ArrayLike,
    segments: int = 12,
    flatness: float = 1.0,
    up: tuple[float, float, float] = (0, 0, 1),
) -> Mesh:
    """Sweeps an ellipse along a polyline with closed ends.

    radius: one for all points, or one for each. flatness: its size along `up`, as a multiple of the radius.
    """
    points = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(points),))
    tangents = np.gradient(points, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    normal = _first_normal(tangents[0], up)
    angles = np.arange(segments)[:, None] * 2 * np.pi / segments
    vertices = []
    for point, size, tangent in zip(points, radii, tangents, strict=True):
        normal = normal - tangent * (normal @ tangent)
        normal /= np.linalg.norm(normal)
        side = np.cross(normal, tangent)
        vertices.append(point + size * (np.cos(angles) * side + flatness * np.sin(angles) * normal))
    rings = [list(range(k * segments, (k + 1) * segments)) for k in range(len(points))]
    faces = [face for lower, upper in pairwise(rings) for face in _strip(lower, upper)]
    first, last = len(points) * segments, len(points) * segments + 1
    faces += _strip([first] * segments, rings[0]) + _strip(rings[-1], [last] * segments)
    return _mesh(np.vstack([*vertices, points[:1], points[-1:]]), faces)


def _first_normal(tangent: Vertices, up: tuple[float, float, float]) -> Vertices:
    normal = np.asarray(up, dtype=np.float64)
    normal = normal - tangent * (normal @ tangent)
    if np.linalg.norm(normal) < 1e-6:
        normal = np.cross(tangent, (1.0, 0.0, 0.0))
    unit: Vertices = normal / np.linalg.norm(normal)
    return unit


def prism(polygon: ArrayLike, height: float) -> Mesh:
    """Extrudes a counter-clockwise polygon, star-shaped about the origin, from z = 0 to `height`."""
    outline = np.asarray(polygon, dtype=np.float64)
    count = len(outline)
    bottom, top = list(range(count)), list(range(count, 2 * count))
    vertices = np.zeros((2 * count + 2, 3))
    vertices[:count, :2] = vertices[count : 2 * count, :2] = outline
    vertices[count : 2 * count, 2] = vertices[-1, 2] = height
    faces = _strip(bottom, top) + _strip([2 * count] * count, bottom) + _strip(top, [2 * count + 1] * count)
    return _mesh(vertices, faces)


def cuboid(half_x: float, half_y: float, height: float) -> Mesh:
    """A box that stands on z = 0, centred in x and y."""
    return prism([(-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y)], height)


def _signed_power(base: Vertices, exponent: float) -> Vertices:
    result: Vertices = np.sign(base) * np.abs(base) ** exponent
    return result


def superquadric(
    half_x: float, half_y: float, half_z: float, vertical: float, horizontal: float, rows: int = 16, columns: int = 24
) -> Mesh:
    """From a box (exponents near 0) to an ellipsoid (1), standing on z = 0."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rows)
    radii = _signed_power(np.cos(latitude), vertical)
    profile = np.column_stack([np.where(np.abs(radii) < 1e-4, 0, radii), _signed_power(np.sin(latitude), vertical)])
    ball = lathe(profile, columns)
    x, y, z = ball.vertices.T
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    shaped = [
        half_x * radius * _signed_power(np.cos(angle), horizontal),
        half_y * radius * _signed_power(np.sin(angle), horizontal),
        half_z * (z + 1),
    ]
    return Mesh(np.column_stack(shaped), ball.faces)


def torus(ring_radius: float, tube_radius: float, segments: int = 32, sides: int = 14) -> Mesh:
    """A ring lying on z = 0."""
    around, across = np.meshgrid(
        np.arange(segments) * 2 * np.pi / segments, np.arange(sides) * 2 * np.pi / sides, indexing="ij"
    )
    reach = ring_radius + tube_radius * np.cos(across)
    z = tube_radius * (1 + np.sin(across))
    vertices = np.stack([reach * np.cos(around), reach * np.sin(around), z], axis=-1).reshape(-1, 3)
    index = np.arange(segments * sides).reshape(segments, sides)
    right, above, both = np.roll(index, -1, 0), np.roll(index, -1, 1), np.roll(index, (-1, -1), (0, 1))
    faces = np.concatenate([np.stack([index, right, both], -1), np.stack([index, both, above], -1)]).reshape(-1, 3)
    return _mesh(vertices, faces)
