"""Which points belong together: neighbours in the picture that are also near each other in space.

Two things that overlap in the picture are cut apart by the jump in depth between them, even where their outlines on
the table touch.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.robot.depth import Cloud

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
Mask = NDArray[np.bool_]

FILL_STEPS = 2
MAX_CELLS = 1_000_000


def components(cloud: Cloud, members: Mask, link_m: float) -> Labels:
    """(N,) a number from 1 for each connected group of the members, 0 for other points.

    Readings that are missing are bridged over up to two pixels.
    """
    points = np.full((*cloud.shape, 3), np.nan)
    points[cloud.rows[members], cloud.columns[members]] = cloud.points_m[members]
    blocked = np.zeros(cloud.shape, dtype=bool)
    blocked[cloud.rows[~members], cloud.columns[~members]] = True
    for _ in range(FILL_STEPS):
        _fill_from(points, blocked, axis=1)
        _fill_from(points, blocked, axis=0)
    labels = _labelled(points, link_m)
    numbers = labels[cloud.rows, cloud.columns]
    return np.where(members, numbers, 0)


def _fill_from(points: Floats, blocked: Mask, axis: int) -> None:
    """Gives each empty pixel the point of its left (or upper) neighbour, in place; only one step."""
    ahead, behind = (slice(1, None), slice(None, -1))
    here, there = ((slice(None), ahead), (slice(None), behind)) if axis else ((ahead,), (behind,))
    empty = np.isnan(points[here][..., 0]) & ~blocked[here]
    points[here][empty] = points[there][empty]


def _labelled(points: Floats, link_m: float) -> Labels:
    """Pixels on even rows and columns of a picture of twice the size, links between them: then plain labelling."""
    rows, columns = points.shape[:2]
    graph = np.zeros((2 * rows, 2 * columns), dtype=np.uint8)
    graph[::2, ::2] = ~np.isnan(points[..., 0])
    with np.errstate(invalid="ignore"):
        graph[1:-1:2, ::2] = np.sum((points[1:] - points[:-1]) ** 2, axis=2) < link_m**2
        graph[::2, 1:-1:2] = np.sum((points[:, 1:] - points[:, :-1]) ** 2, axis=2) < link_m**2
    _, labels = cv2.connectedComponents(graph, connectivity=4)
    return np.asarray(labels[::2, ::2], dtype=np.intp)


def distance_to(xy_m: Floats, members: Mask, cell_m: float) -> Floats:
    """(N,) metres from each of (N, 2) points to the nearest grid cell that holds a member, 0 for those inside one."""
    rows, columns, shape = _cells(xy_m, cell_m)
    empty = np.ones(shape, dtype=np.uint8)
    empty[rows[members], columns[members]] = 0
    return np.asarray(cv2.distanceTransform(empty, cv2.DIST_L2, 5)[rows, columns] * cell_m, dtype=np.float64)


def without_strays(xy_m: Floats, cell_m: float, min_neighbours: int = 3) -> Mask:
    """False for points with fewer than `min_neighbours` points, themselves included, in the 3 x 3 cells about them."""
    if not len(xy_m):
        return np.zeros(0, dtype=bool)
    rows, columns, shape = _cells(xy_m, cell_m)
    counts = np.zeros(shape, dtype=np.float32)
    np.add.at(counts, (rows, columns), 1.0)
    around = cv2.boxFilter(counts, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(around[rows, columns] >= min_neighbours - 0.5)


def _cells(xy_m: Floats, cell_m: float) -> tuple[Labels, Labels, tuple[int, int]]:
    """Row and column of each point, with an empty cell all round; cells grow where the spread would need too many."""
    low = xy_m.min(axis=0)
    spread = xy_m.max(axis=0) - low
    cell_m = max(cell_m, float(np.sqrt(spread.prod() / MAX_CELLS)), float(spread.max()) / 10_000)
    columns, rows = (np.floor((xy_m - low) / cell_m).astype(np.intp) + 1).T
    return rows, columns, (int(rows.max()) + 2, int(columns.max()) + 2)
