"""Which points belong together: connected cells of a horizontal grid."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_CELLS = 1_000_000


def main_cluster(xy_m: Floats, weights: Floats, cell_m: float) -> Mask:
    """Members of the heaviest connected group of (N, 2) points; gaps up to about two cells are bridged.

    weights: (N,) how strongly each point speaks for its group.
    """
    if not len(xy_m):
        return np.zeros(0, dtype=bool)
    labels = _labels(xy_m, cell_m)
    totals = np.bincount(labels, weights)
    return np.asarray(labels == totals.argmax())


def without_strays(xy_m: Floats, cell_m: float, min_neighbours: int = 3) -> Mask:
    """False for points with fewer than `min_neighbours` points, themselves included, in the 3 x 3 cells about them."""
    if not len(xy_m):
        return np.zeros(0, dtype=bool)
    rows, columns, shape = _cells(xy_m, cell_m)
    counts = np.zeros(shape, dtype=np.float32)
    np.add.at(counts, (rows, columns), 1.0)
    around = cv2.boxFilter(counts, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(around[rows, columns] >= min_neighbours - 0.5)


def _labels(xy_m: Floats, cell_m: float) -> NDArray[np.intp]:
    rows, columns, shape = _cells(xy_m, cell_m)
    occupied = np.zeros(shape, dtype=np.uint8)
    occupied[rows, columns] = 1
    joined = cv2.dilate(occupied, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    return np.asarray(labels[rows, columns], dtype=np.intp)


def _cells(xy_m: Floats, cell_m: float) -> tuple[NDArray[np.intp], NDArray[np.intp], tuple[int, int]]:
    """Row and column of each point, with an empty cell all round; cells grow where the spread would need too many."""
    low = xy_m.min(axis=0)
    spread = xy_m.max(axis=0) - low
    cell_m = max(cell_m, float(np.sqrt(spread.prod() / MAX_CELLS)), float(spread.max()) / 10_000)
    columns, rows = (np.floor((xy_m - low) / cell_m).astype(np.intp) + 1).T
    return rows, columns, (int(rows.max()) + 2, int(columns.max()) + 2)


def distance_to(xy_m: Floats, members: Mask, cell_m: float) -> Floats:
    """(N,) metres from each point to the nearest cell that holds a member, 0 for those inside one."""
    rows, columns, shape = _cells(xy_m, cell_m)
    empty = np.ones(shape, dtype=np.uint8)
    empty[rows[members], columns[members]] = 0
    return np.asarray(cv2.distanceTransform(empty, cv2.DIST_L2, 5)[rows, columns] * cell_m, dtype=np.float64)
