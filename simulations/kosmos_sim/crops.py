"""Cutting and mirroring a labelled picture so that its labels stay exact."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.expressions.geometry import is_eligible
from kosmos_sim.records import SceneObject, SceneRecord

Window = tuple[int, int, int, int]
"""x1, y1, x2, y2 in cells of `SceneRecord.instances`, so that picture and map are cut alike."""

Box = tuple[float, float, float, float]
Pixel = TypeVar("Pixel", np.uint8, np.float32)

SIDE_SHARE = (0.45, 1.0)
"""Of the picture, for the side of a window."""
OBJECT_SHARE = (0.05, 0.5)
"""Of the window's side, that the object which it is made for should take."""
WHOLE_SHARE = 0.15
"""Of windows that are the whole picture."""
_LOG_STRETCH = (-0.1, 0.3)
"""Half the logarithm of width over height: cameras are 4:3 or 16:9, and the model sees them squeezed to a square."""


def sample_window(record: SceneRecord, rng: np.random.Generator) -> Window:
    """Made for one object: its size in the window is drawn evenly on a log scale, its place freely."""
    rows, columns = record.instances.shape
    things = [thing for thing in record.objects if is_eligible(thing)]
    if not things or rng.random() < WHOLE_SHARE:
        return 0, 0, columns, rows
    x1, y1, x2, y2 = things[int(rng.integers(len(things)))].box
    wanted = np.exp(rng.uniform(*np.log(OBJECT_SHARE)))
    side = float(np.clip(max(x2 - x1, y2 - y1) / wanted, *SIDE_SHARE))
    stretch = np.exp(rng.uniform(*_LOG_STRETCH))
    left, right = _span(x1, x2, side * stretch, columns, rng)
    top, bottom = _span(y1, y2, side / stretch, rows, rng)
    return left, top, right, bottom


def _span(low: float, high: float, side: float, cells: int, rng: np.random.Generator) -> tuple[int, int]:
    """A stretch of `side` that holds [low, high] if it can, in cells."""
    length = min(cells, max(round(side * cells), int(np.ceil(SIDE_SHARE[0] * cells))))
    first = max(0, int(np.ceil(high * cells)) - length)
    last = min(cells - length, int(low * cells))
    start = int(rng.integers(min(first, last), max(first, last) + 1))
    start = min(max(start, 0), cells - length)
    return start, start + length


def crop(record: SceneRecord, window: Window) -> SceneRecord:
    """The part of the picture inside `window`, boxes and counts of what is cut taken from the instance map.

    What of an object was cut off counts as hidden: `visible` falls with it, and `truncated` is set. Objects of which
    no cell is left are dropped. Exact where the map's size divides the picture's; within half a pixel otherwise.
    Raises InvalidArgumentError for a window that is empty or leaves the map.
    """
    rows, columns = record.instances.shape
    left, top, right, bottom = window
    if not (0 <= left < right <= columns and 0 <= top < bottom <= rows):
        raise InvalidArgumentError(f"window {window}: must be non-empty and inside 0, 0, {columns}, {rows}")
    height, width = record.rgb.shape[:2]
    x1, x2 = round(left * width / columns), round(right * width / columns)
    y1, y2 = round(top * height / rows), round(bottom * height / rows)
    intrinsics = record.intrinsics.copy()
    intrinsics[:2, 2] -= x1, y1
    kept = (_cut(thing, record.instances, window) for thing in record.objects)
    return replace(
        record,
        rgb=record.rgb[y1:y2, x1:x2],
        instances=record.instances[top:bottom, left:right],
        objects=tuple(thing for thing in kept if thing is not None),
        intrinsics=intrinsics,
        depth_m=None if record.depth_m is None else record.depth_m[y1:y2, x1:x2],
    )


def _cut(thing: SceneObject, instances: NDArray[np.uint8], window: Window) -> SceneObject | None:
    rows, columns = instances.shape
    left, top, right, bottom = window
    x1, y1, x2, y2 = thing.box
    bounds = (left / columns, top / rows, right / columns, bottom / rows)
    if x1 >= bounds[0] and y1 >= bounds[1] and x2 <= bounds[2] and y2 <= bounds[3]:
        return replace(thing, box=_inside(thing.box, bounds))
    shown = _cells(instances, thing, window)
    if shown is None:
        return None
    full = _cells(instances, thing, (0, 0, columns, rows))
    assert full is not None  # noqa: S101 - it shows in a part, so it shows in the whole
    (count, cells), (full_count, full_cells) = shown, full
    size = (columns, rows, columns, rows)
    # An edge that the window leaves alone keeps its exact place; one that it moves is where the map says.
    edges = [edge if cells[k] == full_cells[k] else cells[k] / size[k] for k, edge in enumerate(thing.box)]
    share = count / full_count
    return replace(
        thing,
        box=_inside(_clip((edges[0], edges[1], edges[2], edges[3]), bounds), bounds),
        pixels=max(1, round(thing.pixels * share)),
        visible=thing.visible * share,
        truncated=thing.truncated or share < 1,
    )


def _cells(
    instances: NDArray[np.uint8], thing: SceneObject, window: Window
) -> tuple[int, tuple[int, int, int, int]] | None:
    """How many cells of it lie in the window, and the tight cell box around them."""
    rows, columns = instances.shape
    x1, y1, x2, y2 = thing.box
    left = max(window[0], int(x1 * columns) - 1)
    top = max(window[1], int(y1 * rows) - 1)
    right = min(window[2], int(x2 * columns) + 2)
    bottom = min(window[3], int(y2 * rows) + 2)
    if left >= right or top >= bottom:
        return None
    hit = instances[top:bottom, left:right] == thing.instance
    across, down = np.flatnonzero(hit.any(0)), np.flatnonzero(hit.any(1))
    if not len(across):
        return None
    cells = (left + across[0], top + down[0], left + across[-1] + 1, top + down[-1] + 1)
    return int(hit.sum()), (int(cells[0]), int(cells[1]), int(cells[2]), int(cells[3]))


def _clip(box: Box, bounds: Box) -> Box:
    return max(box[0], bounds[0]), max(box[1], bounds[1]), min(box[2], bounds[2]), min(box[3], bounds[3])


def _inside(box: Box, bounds: Box) -> Box:
    """From fractions of the whole picture to fractions of the window."""
    x, y, width, height = bounds[0], bounds[1], bounds[2] - bounds[0], bounds[3] - bounds[1]
    return (box[0] - x) / width, (box[1] - y) / height, (box[2] - x) / width, (box[3] - y) / height


def mirror(record: SceneRecord) -> SceneRecord:
    """Left and right exchanged, in the picture and in the world: the table's y axis turns round."""
    flip_camera, flip_table = np.diag([-1.0, 1.0, 1.0, 1.0]), np.diag([1.0, -1.0, 1.0, 1.0])
    intrinsics = record.intrinsics.copy()
    intrinsics[0, 2] = record.rgb.shape[1] - intrinsics[0, 2]
    return replace(
        record,
        rgb=_flipped(record.rgb),
        instances=_flipped(record.instances),
        objects=tuple(_mirrored(thing) for thing in record.objects),
        intrinsics=intrinsics,
        T_table_camera=flip_table @ record.T_table_camera @ flip_camera,
        depth_m=None if record.depth_m is None else _flipped(record.depth_m),
    )


def _flipped(image: NDArray[Pixel]) -> NDArray[Pixel]:
    """Several times faster than copying a reversed view."""
    return np.asarray(cv2.flip(np.ascontiguousarray(image), 1), image.dtype)


def _mirrored(thing: SceneObject) -> SceneObject:
    x1, y1, x2, y2 = thing.box
    x_m, y_m, z_m = thing.position_camera_m
    table_x_m, table_y_m, table_z_m = thing.position_table_m
    return replace(
        thing,
        box=(1 - x2, y1, 1 - x1, y2),
        position_camera_m=(-x_m, y_m, z_m),
        position_table_m=(table_x_m, -table_y_m, table_z_m),
        yaw_rad=-thing.yaw_rad,
    )
