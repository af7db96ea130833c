"""What every table-top object is made of: coloured meshes to look at, simple shapes to touch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.colours import Rgb
from kosmos_sim.meshes import Mesh, Vertices

WHITE: Rgb = (0.93, 0.92, 0.9)
GREY: Rgb = (0.55, 0.55, 0.57)
DARK: Rgb = (0.09, 0.09, 0.1)
STEEL: Rgb = (0.72, 0.73, 0.76)


@dataclass(frozen=True)
class Part:
    """rgb None: the part takes the colour that the object is named by."""

    mesh: Mesh
    rgb: Rgb | None
    shininess: float


@dataclass(frozen=True)
class CylinderShape:
    """Upright solid cylinder about the object's z axis, from `bottom_m` up."""

    radius_m: float
    height_m: float
    bottom_m: float = 0.0

    def scaled(self, factor: float) -> CylinderShape:
        return CylinderShape(self.radius_m * factor, self.height_m * factor, self.bottom_m * factor)


@dataclass(frozen=True)
class BoxShape:
    """Axis-aligned solid box in the object's frame."""

    half_m: tuple[float, float, float]
    centre_m: tuple[float, float, float]

    def scaled(self, factor: float) -> BoxShape:
        x, y, z = self.half_m
        cx, cy, cz = self.centre_m
        return BoxShape((x * factor, y * factor, z * factor), (cx * factor, cy * factor, cz * factor))


@dataclass(frozen=True)
class SphereShape:
    """Solid ball with its middle at `centre_z_m` on the object's z axis."""

    radius_m: float
    centre_z_m: float

    def scaled(self, factor: float) -> SphereShape:
        return SphereShape(self.radius_m * factor, self.centre_z_m * factor)


@dataclass(frozen=True)
class VesselShape:
    """Open, hollow, straight-walled vessel about the z axis: outer radii at the foot and at the rim."""

    bottom_radius_m: float
    top_radius_m: float
    height_m: float
    wall_m: float

    def scaled(self, factor: float) -> VesselShape:
        return VesselShape(
            self.bottom_radius_m * factor, self.top_radius_m * factor, self.height_m * factor, self.wall_m * factor
        )


CollisionShape = CylinderShape | BoxShape | SphereShape | VesselShape


@dataclass(frozen=True)
class Support:
    """A place for another object: a disc of `radius_m` at `height_m`; `inside` for vessels."""

    height_m: float
    radius_m: float
    inside: bool = False

    def scaled(self, factor: float) -> Support:
        return Support(self.height_m * factor, self.radius_m * factor, self.inside)


@dataclass(frozen=True)
class TableObject:
    """An object standing on z = 0 about x = y = 0 of its own frame.

    colour_word: the word of a naturally coloured object; None where the colour is free.
    lying_deg: turn about y after which it rests on its side, None where it has no such pose.
    """

    category: str
    parts: tuple[Part, ...]
    collision: tuple[CollisionShape, ...]
    colour_word: str | None = None
    lying_deg: float | None = None
    support: Support | None = None

    @cached_property
    def vertices(self) -> Vertices:
        return np.vstack([part.mesh.vertices for part in self.parts])

    @cached_property
    def radius(self) -> float:
        """Metres from the z axis to the farthest vertex."""
        return float(np.linalg.norm(self.vertices[:, :2], axis=1).max())

    @cached_property
    def height(self) -> float:
        return float(self.vertices[:, 2].max())

    @cached_property
    def extents(self) -> NDArray[np.float64]:
        """(3,) metres along the object's own axes."""
        size: NDArray[np.float64] = np.ptp(self.vertices, axis=0)
        return size

    @property
    def hollow(self) -> bool:
        return any(isinstance(shape, VesselShape) for shape in self.collision)

    def scaled(self, factor: float) -> TableObject:
        """The same thing, `factor` times as large."""
        return replace(
            self,
            parts=tuple(replace(part, mesh=part.mesh.scaled(factor, factor, factor)) for part in self.parts),
            collision=tuple(shape.scaled(factor) for shape in self.collision),
            support=self.support.scaled(factor) if self.support else None,
        )
