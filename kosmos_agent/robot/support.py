"""What a thing stands on when that is not the table: a plate, a book, a tray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.robot.cluster import cell_tops, distance_to

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BIN_M = 0.004
MIN_LEVEL_SHARE = 0.06
MIN_LEVEL_POINTS = 15
RING_M = 0.013
SECTORS = 12
MIN_OUTSIDE_SHARE = 0.3
MIN_SECTOR_SHARE = 0.6
MIN_SECTORS = 4


def raised_levels(heights_m: Floats, lowest_m: float, highest_m: float) -> list[float]:
    """Heights, highest first, at which many of the (N,) standing points about a box lie: level surfaces.

    A level stands out from the heights next to it; an upright wall fills them all alike.
    """
    bins = int((highest_m - lowest_m) / BIN_M)
    if bins < 1 or not len(heights_m):
        return []
    counts, edges = np.histogram(heights_m, bins=bins, range=(lowest_m, lowest_m + bins * BIN_M))
    padded = np.pad(counts, 1)
    plenty = (counts >= MIN_LEVEL_SHARE * len(heights_m)) & (counts >= MIN_LEVEL_POINTS)
    peaks = plenty & (counts >= padded[:-2]) & (counts > padded[2:])
    return [float(edges[index] + BIN_M / 2) for index in np.nonzero(peaks)[0][::-1]]


@dataclass(frozen=True)
class Ring:
    """What lies close about a thing, seen from above. `mask` is over all points; the rest over those of the ring."""

    mask: Mask
    xy_m: Floats
    heights_m: Floats
    cell_m: float

    def is_level(self, level_m: float, slack_m: float, outside: Mask) -> bool:
        """Whether the surface at a height lies all about the thing, not just on one side, and partly `outside`.

        Grid cells are sorted into directions; most directions that show anything must show more cells at the level
        than below it. Cells, not points: the front of a box below would outvote its narrow top.
        outside: over all points.
        """
        below_top = self.heights_m < level_m + slack_m
        if not below_top.any():
            return False
        chosen = cell_tops(self.xy_m[below_top], self.heights_m[below_top], self.cell_m)
        at_level = self.heights_m[below_top][chosen] > level_m - slack_m
        x, y = self.xy_m[below_top][chosen].T
        sector = ((np.arctan2(y, x) + np.pi) / (2 * np.pi) * SECTORS).astype(np.intp) % SECTORS
        seen = np.bincount(sector, minlength=SECTORS)
        agreeing = np.bincount(sector, at_level, minlength=SECTORS) > 0.5 * seen
        shown = seen > 0
        if shown.sum() < MIN_SECTORS or agreeing[shown].mean() < MIN_SECTOR_SHARE:
            return False
        return bool(outside[self.mask][below_top][chosen][at_level].mean() >= MIN_OUTSIDE_SHARE)


def ring_about(xy_m: Floats, heights_m: Floats, members: Mask, cell_m: float) -> Ring:
    """The points of (N, 2) within 13 mm of the members and not among them."""
    distances = distance_to(xy_m, members, cell_m)
    mask = ~members & (distances > 0) & (distances < RING_M)
    return Ring(mask, xy_m[mask] - xy_m[members].mean(axis=0), heights_m[mask], cell_m)
