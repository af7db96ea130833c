"""Cuts visible meshes into convex pieces, so that fingers touch what the camera sees.

MuJoCo collides meshes by their convex hull: a bottle or a banana needs a few pieces, each convex by itself.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.objects import TableObject

Points = NDArray[np.float64]

_LEVEL_M = 1e-4
_DENT_M = 4e-4
"""A profile may dip this far inside its own chord and still count as convex."""
_THIN_M = 2e-3
"""Pieces thinner than this in a direction are left out: their hulls are degenerate."""


def whole(obj: TableObject, parts: tuple[int, ...] = (0,)) -> list[Points]:
    """One piece: the hull of the named parts."""
    return [np.vstack([obj.parts[index].mesh.vertices for index in parts])]


def stacked(obj: TableObject, parts: tuple[int, ...] | None = None) -> list[Points]:
    """Pieces of a thing turned about z (bottle, vase): bands of height in which the outline is convex."""
    vertices = obj.vertices if parts is None else whole(obj, parts)[0]
    radius = np.hypot(vertices[:, 0], vertices[:, 1])
    levels = np.unique(np.round(vertices[:, 2] / _LEVEL_M)) * _LEVEL_M
    outline = np.array(
        [[z, radius[np.abs(vertices[:, 2] - z) < _LEVEL_M].max(initial=0.0)] for z in levels], dtype=np.float64
    )
    cuts = _convex_runs(outline)
    return [
        _ring_hull(outline[start : stop + 1]) for start, stop in cuts if outline[stop, 0] - outline[start, 0] > _THIN_M
    ]


def _convex_runs(outline: Points) -> list[tuple[int, int]]:
    """Index pairs into (z, radius) rows between which no point lies inside the chord of its run."""
    runs: list[tuple[int, int]] = []
    start = 0
    for stop in range(2, len(outline)):
        if not _bulges(outline[start : stop + 1]):
            runs.append((start, stop - 1))
            start = stop - 1
    runs.append((start, len(outline) - 1))
    return runs


def _bulges(run: Points) -> bool:
    """Whether every inner point lies on or outside the chords between all other pairs."""
    for first in range(len(run) - 2):
        z, r = run[first]
        chord = r + (run[-1, 1] - r) * (run[first + 1 : -1, 0] - z) / (run[-1, 0] - z)
        if (run[first + 1 : -1, 1] < chord - _DENT_M).any():
            return False
    return True


def _ring_hull(outline: Points, segments: int = 20) -> Points:
    """Vertices of the solid of revolution of (z, radius) rows."""
    angles = np.arange(segments) * 2 * np.pi / segments
    rings = [np.column_stack([r * np.cos(angles), r * np.sin(angles), np.full(segments, z)]) for z, r in outline]
    return np.vstack(rings)


def sliced(obj: TableObject, pieces: int, parts: tuple[int, ...] | None = None) -> list[Points]:
    """Pieces of a long thing that lies along x (banana, carrot, hammer): cut across x at equal distances."""
    chosen = range(len(obj.parts)) if parts is None else parts
    result: list[Points] = []
    for index in chosen:
        result += _cut_along_x(obj.parts[index].mesh.vertices, pieces)
    return result


def _cut_along_x(vertices: Points, pieces: int) -> list[Points]:
    levels = np.unique(np.round(vertices[:, 0] / _LEVEL_M)) * _LEVEL_M
    edges = np.linspace(levels[0], levels[-1], pieces + 1)
    cuts = np.unique([levels[np.abs(levels - edge).argmin()] for edge in edges])
    bands = [
        vertices[(vertices[:, 0] >= low - _LEVEL_M) & (vertices[:, 0] <= high + _LEVEL_M)]
        for low, high in pairwise(cuts)
    ]
    return [band for band in bands if len(band) >= 4 and np.ptp(band, axis=0).min() > _THIN_M]


def wedges(vertices: Points, count: int, offset_rad: float = 0.0, with_axis: bool = True) -> list[Points]:
    """Pieces around the z axis, each spanning 2 pi / count; `with_axis` adds the axis, for solid things."""
    turn = 2 * np.pi / count
    around = np.mod(np.arctan2(vertices[:, 1], vertices[:, 0]) - offset_rad, 2 * np.pi)
    low, high = vertices[:, 2].min(), vertices[:, 2].max()
    axis = np.array([[0.0, 0.0, low], [0.0, 0.0, high]])
    result = []
    for index in range(count):
        shifted = np.mod(around - index * turn + np.pi, 2 * np.pi) - np.pi
        band = vertices[(shifted >= -1e-6) & (shifted <= turn + 1e-6) & (np.hypot(*vertices[:, :2].T) > _LEVEL_M)]
        result.append(np.vstack([band, axis]) if with_axis else band)
    return result
