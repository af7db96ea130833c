"""A table as the samplers of referring expressions take it: all that shows to the front camera, exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.judge import ItemTruth
from kosmos_sim.labels import tight_box
from kosmos_sim.records import SceneObject
from kosmos_sim.world import Tabletop

_WIDTH, _HEIGHT = 640, 480


def scene_objects(world: Tabletop) -> dict[str, SceneObject]:
    """By name; `instance` k is item k - 1. The table frame is the base frame."""
    owners = world.owners("front", _WIDTH, _HEIGHT)
    truths = world.truth()
    shown = {truth.name: owners == truth.name for truth in truths}
    return {
        truth.name: _object(world, number, truth, shown[truth.name])
        for number, truth in enumerate(truths, 1)
        if shown[truth.name].any()
    }


def _object(world: Tabletop, number: int, truth: ItemTruth, mask: NDArray[np.bool_]) -> SceneObject:
    item = world.items[number - 1]
    x1, y1, x2, y2 = tight_box(mask)
    x, y, z = (float(value) for value in truth.middle_m)
    size = truth.high_m - truth.low_m
    own = item.placing.choice.obj.extents
    return SceneObject(
        category=truth.category,
        colour=truth.colour,
        box=(x1 / _WIDTH, y1 / _HEIGHT, x2 / _WIDTH, y2 / _HEIGHT),
        instance=number,
        pixels=int(np.count_nonzero(mask)),
        visible=world.shown_share(truth.name),
        truncated=x1 == 0 or y1 == 0 or x2 == _WIDTH or y2 == _HEIGHT,
        position_camera_m=(0.0, 0.0, 0.0),
        position_table_m=(x, y, z),
        size_m=(float(size[0]), float(size[1]), float(size[2])),
        extents_m=(float(own[0]), float(own[1]), float(own[2])),
        yaw_rad=truth.yaw_rad,
    )
