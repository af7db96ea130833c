"""A look beside MuJoCo's picture of the same scenes: for people to compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.splits import Split
from kosmos_sim.stream import staged_split

_SIDE_PX = 224
_PAIRS_IN_ROW = 2


def pair_sheet(split: Split, folder: Path, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
    """Rows of BGR pictures: look, MuJoCo, look, MuJoCo. InvalidArgumentError for a picture that is not there."""
    tiles = []
    for staged in staged_split(split, max(indices) + 1):
        record = staged.record
        if record.index in indices:
            path = folder / f"{record.seed}-{record.index:04d}.jpg"
            drawn = cv2.imread(str(path))
            if drawn is None:
                raise InvalidArgumentError(f"no picture {path}; build the look first, or name another folder")
            own = np.ascontiguousarray(record.rgb[..., ::-1])
            shown = [cv2.resize(image, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA) for image in (drawn, own)]
            tiles.append(np.hstack(shown))
    rows = range(0, len(tiles) - len(tiles) % _PAIRS_IN_ROW, _PAIRS_IN_ROW)
    return [np.hstack(tiles[row : row + _PAIRS_IN_ROW]).astype(np.uint8) for row in rows]
