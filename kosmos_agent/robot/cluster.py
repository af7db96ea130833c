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
MAX_SIDE = 10_000


def components(cloud: Cloud, members: Mask, link_m: float) -> Labels:
    """(N,) a number from 1 for each connected group of the members, 0 for other points.

    Readings that are missing are bridged over up to two pixels.
    """
    points = np.full((3, *cloud.shape), np.nan)
    points[:, cloud.rows[members], cloud.columns[members]] = cloud.points_m[members].T
    blocked = np.zeros(cloud.shape, dtype=bool)
    blocked[cloud.rows[~members], cloud.columns[~members]] = True
    for _ in range(FILL_STEPS):
        _fill_from(points, blocked, axis=1)
        _fill_from(points, blocked, axis=0)
    labels = _labelled(points, link_m)
    numbers = labels[cloud.rows, cloud.columns]
    return np.where(members, numbers, 0)


def _fill_from(points: Floats, blocked: Mask, axis: int) -> None:
    """Gives each empty pixel of (3, H, W) points that of its left (or upper) neighbour, in place; only one step."""
    ahead, behind, everything = slice(1, None), slice(None, -1), slice(None)
    here, there = ((everything, ahead), (everything, behind)) if axis else ((ahead, everything), (behind, everything))
    empty = np.isnan(points[0][here]) & ~blocked[here]
    for plane in points:
        plane[here][empty] = plane[there][empty]


def _labelled(points: Floats, link_m: float) -> Labels:
    """Pixels on even rows and columns of a picture of twice the size, links between them: then plain labelling."""
    _, rows, columns = points.shape
    graph = np.zeros((2 * rows, 2 * columns), dtype=np.uint8)
    graph[::2, ::2] = ~np.isnan(points[0])
    graph[1:-1:2, ::2] = _near(points[:, 1:], points[:, :-1], link_m)
    graph[::2, 1:-1:2] = _near(points[:, :, 1:], points[:, :, :-1], link_m)
    _, labels = cv2.connectedComponents(graph, connectivity=4)
    return np.asarray(labels[::2, ::2], dtype=np.intp)


def _near(first: Floats, second: Floats, link_m: float) -> Mask:
    dx, dy, dz = first - second
    with np.errstate(invalid="ignore"):
        return np.asarray(dx * dx + dy * dy + dz * dz < link_m**2)


def hidden_share(cloud: Cloud, depths_m: Floats, members: Mask, jump_m: float) -> float:
    """Part of the members' outline, 0 to 1, beside which something nearer to the camera begins."""
    depth = np.full(cloud.shape, np.nan)
    depth[cloud.rows, cloud.columns] = depths_m
    inside = np.zeros(cloud.shape, dtype=bool)
    inside[cloud.rows[members], cloud.columns[members]] = True
    rim = nearer = 0
    for axis in (0, 1):
        for step in (-1, 1):
            beside = np.roll(depth, step, axis)
            edge = inside & ~np.roll(inside, step, axis) & np.isfinite(beside)
            rim += int(edge.sum())
            nearer += int((beside[edge] < depth[edge] - jump_m).sum())
    return nearer / max(rim, 1)


def distance_to(xy_m: Floats, members: Mask, cell_m: float) -> Floats:
    """(N,) metres from each of (N, 2) points to the nearest grid cell that holds a member, 0 for those inside one."""
    rows, columns, shape = _cells(xy_m, cell_m)
    empty = np.ones(shape, dtype=np.uint8)
    empty[rows[members], columns[members]] = 0
    return np.asarray(cv2.distanceTransform(empty, cv2.DIST_L2, 5)[rows, columns] * cell_m, dtype=np.float64)


def cell_tops(xy_m: Floats, heights_m: Floats, cell_m: float) -> Labels:
    """Indices of the highest of the (N, 2) points in each grid cell that holds any."""
    rows, columns, shape = _cells(xy_m, cell_m)
    order = np.argsort(heights_m)[::-1]
    _, first = np.unique((rows * shape[1] + columns)[order], return_index=True)
    return np.asarray(order[first], dtype=np.intp)


def without_strays(xy_m: Floats, cell_m: float, min_neighbours: int = 3) -> Mask:
    """False for points with fewer than `min_neighbours` points, themselves included, in the 3 x 3 cells about them."""
    if not len(xy_m):
        return np.zeros(0, dtype=bool)
    rows, columns, shape = _cells(xy_m, cell_m)
    counts = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)
    around = cv2.boxFilter(counts, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(around[rows, columns] >= min_neighbours - 0.5)


def _cells(xy_m: Floats, cell_m: float) -> tuple[Labels, Labels, tuple[int, int]]:
    """Row and column of each point, with an empty cell all round; cells grow where the spread would need too many."""
    x, y = np.ascontiguousarray(xy_m.T)
    width, height = float(np.ptp(x)), float(np.ptp(y))
    cell_m = max(cell_m, float(np.sqrt(width * height / MAX_CELLS)), max(width, height) / MAX_SIDE)
    columns = ((x - x.min()) / cell_m).astype(np.intp) + 1
    rows = ((y - y.min()) / cell_m).astype(np.intp) + 1
    return rows, columns, (int(rows.max()) + 2, int(columns.max()) + 2)
