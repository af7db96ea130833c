"""Procedural table-top objects. `CATEGORIES` maps each category word to its builder."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from kosmos_sim.objects import food, solids, tools, vessels
from kosmos_sim.objects.model import (
    BoxShape,
    CollisionShape,
    CylinderShape,
    Part,
    SphereShape,
    Support,
    TableObject,
    VesselShape,
)
from kosmos_sim.objects.proportions import TRAINED, Proportions


class Builder(Protocol):
    """Draws one object of a category."""

    def __call__(self, rng: np.random.Generator, proportions: Proportions = TRAINED) -> TableObject: ...


CATEGORIES: dict[str, Builder] = {
    "cup": vessels.cup,
    "mug": vessels.mug,
    "bowl": vessels.bowl,
    "plate": vessels.plate,
    "bottle": vessels.bottle,
    "can": vessels.can,
    "jar": vessels.jar,
    "pot": vessels.pot,
    "teapot": vessels.teapot,
    "vase": vessels.vase,
    "box": solids.box,
    "block": solids.block,
    "book": solids.book,
    "cone": solids.cone,
    "cylinder": solids.cylinder,
    "star": solids.star,
    "ball": solids.ball,
    "apple": food.apple,
    "pear": food.pear,
    "banana": food.banana,
    "carrot": food.carrot,
    "donut": food.donut,
    "spoon": tools.spoon,
    "fork": tools.fork,
    "screwdriver": tools.screwdriver,
    "marker": tools.marker,
    "hammer": tools.hammer,
    "candle": solids.candle,
}

__all__ = [
    "CATEGORIES",
    "BoxShape",
    "Builder",
    "CollisionShape",
    "CylinderShape",
    "Part",
    "SphereShape",
    "Support",
    "TableObject",
    "VesselShape",
]
