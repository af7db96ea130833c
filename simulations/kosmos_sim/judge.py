"""The simulator's own verdict, from physics state only: what was lifted, what was moved, by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.results import Box, Target3D
from kosmos_agent.robot.frames import wrapped_axis_rad
from kosmos_sim.building import Item

Array = NDArray[np.float64]

LIFTED_M = 0.08
"""A thing counts as lifted when all of it is this much higher than it was."""
MOVED_M = 0.02
_EVERYWHERE = Box(x1=0.0, y1=0.0, x2=1.0, y2=1.0)


@dataclass(frozen=True)
class ItemTruth:
    """Where a thing really is, base frame, metres. low_m, high_m: corners of its axis-aligned extent.

    yaw_rad, extent_m: the smallest rectangle around it seen from above: turn of its longer side, and both sides.
    """

    name: str
    category: str
    colour: str
    low_m: Array
    high_m: Array
    middle_m: Array
    yaw_rad: float
    extent_m: tuple[float, float]

    def as_target(self, phrase: str | None = None, stamp_ns: int | None = None) -> Target3D:
        """What a perfect eye would hand to the planner."""
        size = self.high_m - self.low_m
        return Target3D(
            phrase=phrase or f"the {self.colour} {self.category}",
            frame_id="base",
            stamp_ns=stamp_ns,
            position_m=(float(self.middle_m[0]), float(self.middle_m[1]), float(self.low_m[2] + size[2] / 2)),
            size_m=(float(size[0]), float(size[1]), float(size[2])),
            yaw_rad=self.yaw_rad,
            extent_m=self.extent_m,
            covariance_m2=(0.0,) * 9,
            support_height_m=float(self.low_m[2]),
            points=0,
            box=_EVERYWHERE,
            probability=1.0,
        )


@dataclass(frozen=True)
class Verdict:
    """picked: the named thing hangs in the air, and it alone. lifted: names of all things that do.

    lift_m: how far the named thing rose. moved_m: how far each other thing was moved, where that is over `MOVED_M`.
    """

    picked: bool
    lifted: tuple[str, ...]
    lift_m: float
    moved_m: dict[str, float]

    @property
    def moved_wrong_object(self) -> bool:
        return bool(self.moved_m)


class Judge:
    """Remembers how everything stood when it was made (or last told to look) and compares."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, items: Sequence[Item]) -> None:
        self._model, self._data, self._items = model, data, tuple(items)
        self._before: dict[str, ItemTruth] = {}
        self.look()

    def look(self) -> None:
        """Takes the present state as the one to compare with."""
        self._before = {item.name: self.truth(item.name) for item in self._items}

    def truth(self, name: str) -> ItemTruth:
        item = self._item(name)
        points = self._points(item)
        low, high = points.min(axis=0), points.max(axis=0)
        middle, yaw, extent = smallest_rectangle(points[:, :2])
        return ItemTruth(
            name=name,
            category=item.category,
            colour=item.colour,
            low_m=low,
            high_m=high,
            middle_m=np.array([*middle, (low[2] + high[2]) / 2]),
            yaw_rad=yaw,
            extent_m=extent,
        )

    def verdict(self, name: str) -> Verdict:
        """InvalidArgumentError for a name that is not in the world."""
        rises = {item.name: self._rise_m(item.name) for item in self._items}
        self._item(name)
        lifted = tuple(other for other, rise in rises.items() if rise > LIFTED_M)
        moved = {item.name: self._moved_m(item.name) for item in self._items if item.name != name}
        return Verdict(
            picked=lifted == (name,),
            lifted=lifted,
            lift_m=rises[name],
            moved_m={other: distance for other, distance in moved.items() if distance > MOVED_M},
        )

    def _item(self, name: str) -> Item:
        for item in self._items:
            if item.name == name:
                return item
        raise InvalidArgumentError(f"unknown item {name!r}; valid: {', '.join(item.name for item in self._items)}")

    def _points(self, item: Item) -> Array:
        body = self._data.body(item.name)
        points: Array = item.placing.choice.obj.vertices @ body.xmat.reshape(3, 3).T + body.xpos
        return points

    def _rise_m(self, name: str) -> float:
        return float(self.truth(name).low_m[2] - self._before[name].low_m[2])

    def _moved_m(self, name: str) -> float:
        return float(np.linalg.norm(self.truth(name).middle_m - self._before[name].middle_m))


def smallest_rectangle(points_m: Array) -> tuple[Array, float, tuple[float, float]]:
    """Of (N, 2) points: middle (2,), turn of the longer side in (-pi/2, pi/2], longer and shorter side."""
    (x, y), (width, height), angle_deg = cv2.minAreaRect(points_m.astype(np.float32))
    yaw = np.deg2rad(angle_deg) + (0.0 if width >= height else np.pi / 2)
    return np.array([x, y]), wrapped_axis_rad(yaw), (float(max(width, height)), float(min(width, height)))
