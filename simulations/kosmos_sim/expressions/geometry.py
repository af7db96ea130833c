"""Spatial predicates over one picture, each answered yes, no or neither.

`YES` is given only with a clear margin and `NO` only where no fair person would say yes. A phrase may be used when
one thing is `YES` and every other that its words fit is `NO`; anything in between spoils it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.expressions.text import Head
from kosmos_sim.records import SceneObject

NO, MAYBE, YES = 0, 1, 2
States = list[list[int]]
"""[subject][anchor] -> NO, MAYBE or YES."""

VISIBLE_MIN = 0.3
SIDE_MIN, CUT_SIDE_MIN = 10 / 224, 16 / 224
"""Shorter side of a referent's box; more where the picture's edge cuts it, since `visible` does not tell."""
BESIDE_YES, BESIDE_NO = 0.06, 0.015
"""Left and right: difference of box centres, in picture widths."""
DEPTH_YES_M, DEPTH_NO_M = 0.05, 0.005
"""Behind and in front: difference of ground distance from the camera, measured both ways (see `ground_m`)."""
CONE = 2.0
"""A relation is clear only where the sideways offset is at most this many times the offset along it."""
ROLL_MAX_RAD = np.pi / 4
"""Where the picture is rolled further, its top is not where things are farther: nothing is said of depth."""
NEXT_YES_M, NEXT_NO_M = 0.05, 0.10
"""Next to: free space between the two footprints."""
NEAREST_MARGIN_M, NEAREST_RATIO, NEAREST_GAP_M = 0.03, 1.2, 0.015
"""Nearest to: the runner-up's centre is this much and this many times farther, and its edge too."""


@dataclass(frozen=True)
class Geometry:
    """Everything that phrases ask about, as plain lists (faster than arrays at ten objects).

    centre_x, centre_y: box centres in [0, 1]. area: box area. sized_m: geometric mean of the object's own extents.
    ground_m: per object, distances from the camera along the ground, (radial, along the view direction);
    None without a camera pose or where the picture is rolled.
    distance_m, gap_m: [i][j] between centres and between footprints on the table.
    heads: (colour, category) -> indices of all objects, however little shows, that it fits.
    """

    objects: tuple[SceneObject, ...]
    eligible: list[bool]
    centre_x: list[float]
    centre_y: list[float]
    area: list[float]
    sized_m: list[float]
    ground_m: list[tuple[float, float]] | None
    distance_m: list[list[float]]
    gap_m: list[list[float]]
    states: dict[str, States]
    heads: dict[Head, tuple[int, ...]]

    def fits(self, head: Head) -> tuple[int, ...]:
        return self.heads.get(head, ())

    def instance(self, index: int) -> int:
        return self.objects[index].instance

    def unique_heads(self, index: int) -> list[Head]:
        """The plain descriptions, fullest first, that fit this object and no other."""
        thing = self.objects[index]
        options: tuple[Head, ...] = (
            (thing.colour, thing.category),
            (None, thing.category),
            (thing.colour, None),
        )
        return [head for head in options if len(self.heads[head]) == 1]


def is_eligible(thing: SceneObject) -> bool:
    """Enough of it shows to be asked for."""
    x1, y1, x2, y2 = thing.box
    side_min = CUT_SIDE_MIN if thing.truncated else SIDE_MIN
    return thing.visible >= VISIBLE_MIN and min(x2 - x1, y2 - y1) >= side_min


def measure(objects: Sequence[SceneObject], T_table_camera: NDArray[np.float64] | None = None) -> Geometry:
    """Without the camera pose, kinds that need the distance from the camera find nothing."""
    count = len(objects)
    box = np.array([thing.box for thing in objects]).reshape(count, 4)
    table_m = np.array([thing.position_table_m for thing in objects]).reshape(count, 3)
    size_m = np.array([thing.size_m for thing in objects]).reshape(count, 3)
    extents_m = np.array([thing.extents_m for thing in objects]).reshape(count, 3)
    centre = (box[:, :2] + box[:, 2:]) / 2
    offset_m = table_m[:, None, :2] - table_m[None, :, :2]
    distance_m = np.hypot(offset_m[..., 0], offset_m[..., 1])
    radius_m = (size_m[:, 0] + size_m[:, 1]) / 4
    gap_m = distance_m - radius_m[:, None] - radius_m[None]
    stacked = _stacked(objects)
    states = {"on": stacked, "next to": _next_to(gap_m, stacked), **_sideways(centre)}
    ground_m = None
    if T_table_camera is not None:
        ground, lateral_m = _ground(table_m, T_table_camera)
        states |= _depthwise(ground, lateral_m)
        if _rolled(T_table_camera):
            states |= {name: np.full((count, count), MAYBE) for name in ("behind", "in front of")}
        else:
            ground_m = [(float(radial), float(along)) for radial, along in ground]
    return Geometry(
        objects=tuple(objects),
        eligible=[is_eligible(thing) for thing in objects],
        centre_x=centre[:, 0].tolist(),
        centre_y=centre[:, 1].tolist(),
        area=((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])).tolist(),
        sized_m=np.cbrt(extents_m.prod(1)).tolist(),
        ground_m=ground_m,
        distance_m=distance_m.tolist(),
        gap_m=gap_m.tolist(),
        states={name: state.tolist() for name, state in states.items()},
        heads=_heads(objects),
    )


def _heads(objects: Sequence[SceneObject]) -> dict[Head, tuple[int, ...]]:
    heads: defaultdict[Head, list[int]] = defaultdict(list)
    for index, thing in enumerate(objects):
        for colour in (None, thing.colour):
            for category in (None, thing.category):
                heads[colour, category].append(index)
    return {head: tuple(members) for head, members in heads.items()}


def _judge(value: NDArray[np.float64], yes: float, no: float) -> NDArray[np.int64]:
    return np.where(value >= yes, YES, np.where(value <= no, NO, MAYBE))


def _sideways(centre: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    right = centre[:, None, 0] - centre[None, :, 0]
    down = np.abs(centre[:, None, 1] - centre[None, :, 1])
    oblique = down > CONE * np.abs(right)
    return {
        "left of": _soften(_judge(-right, BESIDE_YES, BESIDE_NO), oblique),
        "right of": _soften(_judge(right, BESIDE_YES, BESIDE_NO), oblique),
    }


def _soften(state: NDArray[np.int64], doubtful: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.where(doubtful & (state == YES), MAYBE, state)


def _looks_down(T_table_camera: NDArray[np.float64]) -> bool:
    """Nearly straight: away is then where the picture's top points."""
    return float(np.hypot(*T_table_camera[:2, 2])) < 0.3


def _rolled(T_table_camera: NDArray[np.float64]) -> bool:
    """By the angle between the picture's top and what points away from the camera there, which is also uphill."""
    roll_rad = np.arctan2(T_table_camera[2, 0], -T_table_camera[2, 1])
    return not _looks_down(T_table_camera) and bool(abs(roll_rad) > ROLL_MAX_RAD)


def _ground(
    table_m: NDArray[np.float64], T_table_camera: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 2) radial and forward distance along the ground, and (n,) sideways offset, all from the camera's foot."""
    forward = -T_table_camera[:2, 1] if _looks_down(T_table_camera) else T_table_camera[:2, 2]
    forward = forward / max(float(np.hypot(*forward)), 1e-9)
    offset_m = table_m[:, :2] - T_table_camera[:2, 3]
    along_m = offset_m @ forward
    lateral_m = offset_m @ np.array([forward[1], -forward[0]])
    return np.stack([np.hypot(offset_m[:, 0], offset_m[:, 1]), along_m], 1), lateral_m


def _depthwise(ground_m: NDArray[np.float64], lateral_m: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    gaps_m = ground_m[:, None] - ground_m[None]
    sideways_m = np.abs(lateral_m[:, None] - lateral_m[None])
    states = {}
    for name, sign in (("behind", 1.0), ("in front of", -1.0)):
        least, most = (sign * gaps_m).min(-1), (sign * gaps_m).max(-1)
        state = np.where(least >= DEPTH_YES_M, YES, np.where(most <= DEPTH_NO_M, NO, MAYBE))
        states[name] = _soften(state, sideways_m > CONE * np.abs(least))
    return states


def _stacked(objects: Sequence[SceneObject]) -> NDArray[np.int64]:
    """A thing on a thing on the anchor is neither clearly on the anchor nor clearly off it."""
    below = {thing.instance: thing.on for thing in objects}
    state = np.zeros((len(objects), len(objects)), np.int64)
    for row, thing in enumerate(objects):
        support, steps = thing.on, 0
        while support and steps < len(objects):
            for column, anchor in enumerate(objects):
                if anchor.instance == support:
                    state[row, column] = MAYBE if steps else YES
            support, steps = below.get(support, 0), steps + 1
    return state


def _next_to(gap_m: NDArray[np.float64], stacked: NDArray[np.int64]) -> NDArray[np.int64]:
    state = _judge(-gap_m, -NEXT_YES_M, -NEXT_NO_M)
    np.fill_diagonal(state, NO)
    return np.where((stacked > NO) | (stacked.T > NO), MAYBE, state)
