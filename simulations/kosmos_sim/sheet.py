"""A contact sheet: many labelled pictures on one page, to be looked at."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.records import SceneRecord

_LINE_BGR = (0, 255, 0)
_HIDDEN_BGR = (0, 140, 255)
_WELL_VISIBLE = 0.7


def contact_sheet(
    records: Iterable[SceneRecord], columns: int = 4, side: int = 336, boxes: bool = True
) -> NDArray[np.uint8]:
    """(H, W, 3) BGR, ready for `cv2.imwrite`; boxes of partly hidden objects are orange."""
    tiles = [_tile(record, side, boxes) for record in records]
    blank = np.zeros((side, side, 3), np.uint8)
    tiles += [blank] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[row : row + columns]) for row in range(0, len(tiles), columns)])


def _tile(record: SceneRecord, side: int, boxes: bool) -> NDArray[np.uint8]:
    tile = cv2.resize(record.rgb[..., ::-1], (side, side), interpolation=cv2.INTER_CUBIC)
    for thing in record.objects if boxes else ():
        x1, y1, x2, y2 = (round(value * side) for value in thing.box)
        colour = _LINE_BGR if thing.visible >= _WELL_VISIBLE else _HIDDEN_BGR
        cv2.rectangle(tile, (x1, y1), (x2 - 1, y2 - 1), colour, 1)
        label = f"{thing.colour} {thing.category}" + (f" on {thing.on}" if thing.on else "")
        place = (min(x1, side - 6 * len(label)), max(9, y1 - 2))
        cv2.putText(tile, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.34, (0, 0, 0), 2, cv2.LINE_AA)
        cv2.putText(tile, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.34, (255, 255, 255), 1, cv2.LINE_AA)
    result: NDArray[np.uint8] = tile
    return result
