"""What a thing stands on when that is not the table: a plate, a book, a tray."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.robot.cluster import distance_to

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BIN_M = 0.004
MIN_LEVEL_SHARE = 0.06
RING_M = 0.025
SECTORS = 12
MIN_SECTOR_SHARE = 0.6
MIN_SECTORS = 4


def raised_levels(heights_m: Floats, lowest_m: float, highest_m: float) -> list[float]:
    """Heights, highest first, at which many of the (N,) points about a box lie: level surfaces above the table."""
    bins = int((highest_m - lowest_m) / BIN_M)
    if bins < 1 or not len(heights_m):
        return []
    counts, edges = np.histogram(heights_m, bins=bins, range=(lowest_m, lowest_m + bins * BIN_M))
    padded = np.pad(counts, 1)
    peaks = (counts >= MIN_LEVEL_SHARE * len(heights_m)) & (counts >= padded[:-2]) & (counts > padded[2:])
    return [float(edges[index] + BIN_M / 2) for index in np.nonzero(peaks)[0][::-1]]


def stands_on(level_m: float, xy_m: Floats, heights_m: Floats, members: Mask, cell_m: float, slack_m: float) -> bool:
    """Whether the surface at `level_m` lies all about the members, not just on one side of them.

    The points within 2.5 cm of the members are sorted into directions; most directions that show anything must show
    more points at the level than below it.
    """
    distances = distance_to(xy_m, members, cell_m)
    ring = ~members & (distances > 0) & (distances < RING_M) & (heights_m < level_m + slack_m)
    if not ring.any():
        return False
    dx, dy = (xy_m[ring] - xy_m[members].mean(axis=0)).T
    sector = ((np.arctan2(dy, dx) + np.pi) / (2 * np.pi) * SECTORS).astype(np.intp) % SECTORS
    at_level = heights_m[ring] > level_m - slack_m
    seen = np.bincount(sector, minlength=SECTORS)
    agreeing = np.bincount(sector, at_level, minlength=SECTORS) > 0.5 * seen
    shown = seen > 0
    return bool(shown.sum() >= MIN_SECTORS and agreeing[shown].mean() >= MIN_SECTOR_SHARE)
