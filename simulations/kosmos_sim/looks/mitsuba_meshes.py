"""Exported surfaces sorted into the few meshes that every path-traced scene is made of.

Always the same meshes, some of them out of sight: the vectorised renderer compiles its code for a set of meshes and
materials (seconds), and may then use it for all scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.looks.export import ExportedScene, Surface
from kosmos_sim.looks.finishes import Finish, draw_finish, draw_shade, finish_of, reflectance
from kosmos_sim.scene import SURFACE_PIXELS

TEXTURED = 4
"""Floor, table, place mat and walls: at most so many different textures in a scene."""
_TILES, _TILE_PX, _TILE_M = 8, 160, 0.3
"""Tiles of the sheet for painted things, one a thing, each larger than any of them."""
_COLOURS = 64
_NOWHERE_M = np.array([[[0.0, 0.0, -5.0], [0.01, 0.0, -5.0], [0.0, 0.01, -5.0]]])


@dataclass(frozen=True)
class MeshData:
    """corners_m, normals: (T, 3, 3). uv: (T, 3, 2) into the bitmap: (H, W, 3) linear reflectances.

    palette: the bitmap is a row of single colours, not to be blended.
    """

    corners_m: NDArray[np.float64]
    normals: NDArray[np.float64]
    uv: NDArray[np.float64]
    bitmap: NDArray[np.float64]
    palette: bool = False


def sorted_meshes(scene: ExportedScene, rng: np.random.Generator) -> dict[str, MeshData]:
    """By the names of the finishes, and `surroundings0` to `surroundings3`. Finishes are drawn from `rng`."""
    drawn = _draw_finishes(scene, rng)
    groups: dict[Finish, list[Surface]] = {finish: [] for finish in Finish}
    textured: dict[bytes, list[Surface]] = {}
    for surface in scene.surfaces:
        if surface.texture is not None:
            textured.setdefault(surface.texture.tobytes(), []).append(surface)
        else:
            groups[finish_of(surface, drawn[surface.owner])].append(surface)
    painted = groups.pop(Finish.PAINTED)
    meshes = {finish.value: _coloured(surfaces) for finish, surfaces in groups.items()}
    meshes[Finish.PAINTED.value] = _painted(painted, rng)
    sides = list(textured.values()) + [[]] * (TEXTURED - len(textured))
    return meshes | {f"surroundings{index}": _textured(surfaces, rng) for index, surfaces in enumerate(sides)}


def _draw_finishes(scene: ExportedScene, rng: np.random.Generator) -> dict[int, Finish]:
    owners = sorted({surface.owner for surface in scene.surfaces})
    drawn = {owner: draw_finish(rng) for owner in owners}
    painted = [owner for owner in owners if drawn[owner] is Finish.PAINTED]
    return drawn | dict.fromkeys(painted[_TILES:], Finish.MATT)


def _joined(surfaces: Sequence[Surface], bitmap: NDArray[np.float64]) -> MeshData:
    if not surfaces:
        return MeshData(_NOWHERE_M, np.full_like(_NOWHERE_M, (0.0, 0.0, 1.0)), np.zeros((1, 3, 2)), bitmap)
    return MeshData(
        np.concatenate([surface.corners_m for surface in surfaces]),
        np.concatenate([surface.normals for surface in surfaces]),
        np.concatenate([surface.uv_m for surface in surfaces]),
        bitmap,
    )


def _coloured(surfaces: Sequence[Surface]) -> MeshData:
    """Each surface in its one colour."""
    palette = np.full((1, _COLOURS, 3), 0.5)
    colours = sorted({surface.rgb for surface in surfaces})[:_COLOURS]
    places = {colour: (index + 0.5) / _COLOURS for index, colour in enumerate(colours)}
    palette[0, : len(colours)] = reflectance(np.array(colours).reshape(-1, 3))
    moved = [replace(s, uv_m=np.full_like(s.uv_m, (places[s.rgb], 0.5))) for s in surfaces]
    return replace(_joined(moved, palette), palette=True)


def _textured(surfaces: Sequence[Surface], rng: np.random.Generator) -> MeshData:
    """The texture covers 0.35 to 0.9 m."""
    scale = 1 / rng.uniform(0.35, 0.9)
    texture = surfaces[0].texture if surfaces else None
    if texture is None:
        return _joined(surfaces, np.full((SURFACE_PIXELS, SURFACE_PIXELS, 3), 0.5))
    bitmap = reflectance(texture / 255.0) * reflectance(surfaces[0].rgb) / reflectance((1.0, 1.0, 1.0))
    joined = _joined(surfaces, bitmap)
    return replace(joined, uv=joined.uv * scale)


def _painted(surfaces: Sequence[Surface], rng: np.random.Generator) -> MeshData:
    """One sheet for all painted things, so that it is one material."""
    sheet = np.full((_TILE_PX, _TILES * _TILE_PX, 3), 0.5)
    owners = sorted({surface.owner for surface in surfaces})
    for tile, owner in enumerate(owners):
        shade = draw_shade(rng, _TILE_PX)
        colour = reflectance(next(surface.rgb for surface in surfaces if surface.owner == owner))
        sheet[:, tile * _TILE_PX : (tile + 1) * _TILE_PX] = shade[..., None] * colour
    moved = [replace(surface, uv_m=_in_tile(surface.uv_m, owners.index(surface.owner))) for surface in surfaces]
    return _joined(moved, sheet)


def _in_tile(uv_m: NDArray[np.float64], tile: int) -> NDArray[np.float64]:
    """Metres about the middle of the thing to the fractions of the sheet that are its tile."""
    within = np.clip(uv_m / _TILE_M + 0.5, 0.01, 0.99)
    placed: NDArray[np.float64] = (within + np.array([tile, 0])) / (_TILES, 1)
    return placed
