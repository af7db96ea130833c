"""The thing that a box means, out of the points in and around the box."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import NoDepthError
from kosmos_agent.robot.cluster import components, distance_to, hidden_share, without_strays
from kosmos_agent.robot.depth import Cloud
from kosmos_agent.robot.regions import BoxPixels, centre_weights, grown_px, inside, iou_px
from kosmos_agent.robot.support import raised_levels, ring_about

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MIN_OBJECT_POINTS = 12
CLEARANCE_RANGE_M = (0.004, 0.012)
SMOOTH_SIGMAS = 1.5
MIN_SMOOTH_CLEARANCE_M = 0.0025
CELL_RANGE_M = (0.004, 0.012)
LINK_RANGE_M = (0.006, 0.025)
BOX_MARGIN = 0.08
REACH_MARGIN = 0.25
OWN_SHARE = 0.6
FRAGMENT_SHARE = 0.9
FRAGMENT_GAP_M = 0.015
FAR_WALL_GAP_M = 0.04
LEVEL_RIM_SHARE = 0.08
FRAGMENT_ROUNDS = 4
MIN_RAISED_HEIGHT_M = 0.012
MAX_LEVELS = 4
MIN_WEIGHT_SHARE = 0.02
LOW_PERCENTILE = 3.0
STACK_SHARE = 0.6
MIN_BELOW_SHARE = 0.15
STACK_SLACK_M = 0.008
CUT_SHARE = 0.1
OCCLUSION_JUMP_M = 0.01
TOP_COUNT = 4
TOP_SHARE = 0.004


@dataclass(frozen=True)
class Thing:
    """points_m: (N, 3) in the base frame. heights_m: (N,) above what it stands on. top_m: its height there.

    level_m: how far what it stands on lies above the support plane; 0 on the table itself.
    cut: the box cut it off from points that it is connected with. hidden_share: part of its outline behind others.
    """

    points_m: Floats
    heights_m: Floats
    level_m: float
    top_m: float
    cut: bool
    hidden_share: float


@dataclass(frozen=True)
class _Group:
    """Masks over the cloud. members: the thing. whole: the connected group it was taken from, box or not."""

    members: Mask
    whole: Mask


@dataclass(frozen=True)
class Surroundings:
    """What segmenting needs. depths_m: along the optical axis. heights_m: above the plane.

    spacing_m: between neighbouring readings, face on. noise_m: of a point about the plane.
    """

    cloud: Cloud
    depths_m: Floats
    heights_m: Floats
    box_px: BoxPixels
    spacing_m: float
    noise_m: float

    @cached_property
    def in_box(self) -> Mask:
        return inside(self.cloud.px, grown_px(self.box_px, BOX_MARGIN, 1.0))

    @cached_property
    def in_reach(self) -> Mask:
        return inside(self.cloud.px, grown_px(self.box_px, REACH_MARGIN, 1.0))

    @cached_property
    def weights(self) -> Floats:
        return centre_weights(self.cloud.px, self.box_px)

    @property
    def clearance_m(self) -> float:
        """Lower than this over the plane is the plane."""
        return float(np.clip(3 * self.noise_m, *CLEARANCE_RANGE_M))

    def standing_above(self, level_m: float) -> Mask:
        """Points over a level: each by itself, or low ones (a fork's handle) together with their neighbours."""
        low_m = level_m + max(SMOOTH_SIGMAS * self.noise_m, MIN_SMOOTH_CLEARANCE_M)
        return (self.heights_m > level_m + self.clearance_m) | (self._smooth_heights_m > low_m)

    @cached_property
    def _smooth_heights_m(self) -> Floats:
        return self.cloud.smoothed(self.heights_m, np.ones(len(self.cloud), dtype=bool))

    @property
    def cell_m(self) -> float:
        return float(np.clip(2 * self.spacing_m, *CELL_RANGE_M))

    @property
    def link_m(self) -> float:
        """Neighbouring pixels farther apart than this show two surfaces; a slanted one spreads its points."""
        return float(np.clip(5 * self.spacing_m + 3 * self.noise_m, *LINK_RANGE_M))


def segment(around: Surroundings) -> Thing:
    """The main group of points in the box that stands out from its support; NoDepthError where there is none."""
    group = _group_above(around, 0.0)
    level_m = 0.0
    if group.members.sum() >= MIN_OBJECT_POINTS:
        group, level_m = _raised(around, group)
    _check_enough(around, group.members)
    heights_m = around.heights_m[group.members] - level_m
    top_m = _top_m(around, group.members) - level_m
    return Thing(
        points_m=around.cloud.points_m[group.members],
        heights_m=heights_m,
        level_m=level_m,
        top_m=top_m,
        cut=bool((group.whole & ~group.members).sum() > CUT_SHARE * group.whole.sum()),
        hidden_share=hidden_share(around.cloud, around.depths_m, group.members, around.link_m + OCCLUSION_JUMP_M),
    )


def _raised(around: Surroundings, on_table: _Group) -> tuple[_Group, float]:
    """The same thing without what it stands on, and the height of that; unchanged where it stands on the table."""
    highest_m = _top_m(around, on_table.members) - MIN_RAISED_HEIGHT_M
    low_m = 1.5 * around.clearance_m
    outside_m = around.heights_m[~around.in_box & (around.heights_m > low_m)]
    for level_m in raised_levels(outside_m, low_m, highest_m)[:MAX_LEVELS]:
        above = _group_above(around, level_m)
        if _stands_on(around, above, level_m):
            return above, level_m
    level_m = _lower_edge_m(around, on_table)
    if low_m < level_m < highest_m:
        above = _group_above(around, level_m)
        if _goes_on_below(around, on_table, above) or _stands_on(around, above, level_m):
            return above, level_m
    return on_table, 0.0


def _stands_on(around: Surroundings, group: _Group, level_m: float) -> bool:
    """Whether the group stands on a surface that reaches out of the box; a ledge inside it is the thing's own."""
    if group.members.sum() < MIN_OBJECT_POINTS:
        return False
    ring = ring_about(around.cloud.points_m[:, :2], around.heights_m, group.members, around.cell_m)
    return ring.is_level(level_m, around.clearance_m, ~inside(around.cloud.px, around.box_px))


def _lower_edge_m(around: Surroundings, group: _Group) -> float:
    """Height at which the box cuts a group in two, upper part in the box, lower part outside; 0 where it does not."""
    inner = group.members & inside(around.cloud.px, around.box_px)
    below = group.whole & ~around.in_box
    if inner.sum() < MIN_OBJECT_POINTS or below.sum() < MIN_BELOW_SHARE * group.whole.sum():
        return 0.0
    lowest_m = float(np.percentile(around.heights_m[inner], LOW_PERCENTILE))
    highest_below_m = float(np.percentile(around.heights_m[below], 100 - LOW_PERCENTILE))
    return lowest_m if highest_below_m < lowest_m + around.clearance_m else 0.0


def _goes_on_below(around: Surroundings, on_table: _Group, above: _Group) -> bool:
    """Whether what lies below the box lies right under the upper part, as a block under a block does."""
    if above.members.sum() < MIN_OBJECT_POINTS:
        return False
    below = on_table.whole & ~around.in_box
    gap_m = distance_to(around.cloud.points_m[:, :2], above.members, around.cell_m)[below]
    return bool(np.mean(gap_m < STACK_SLACK_M) >= STACK_SHARE)


def _group_above(around: Surroundings, level_m: float) -> _Group:
    """The points of the thing over a level: the connected group that fits the box best, and its fragments.

    A group that lies mostly outside the box belongs to a neighbour, or is joined to one: of it only the part in the
    box can be the thing.
    """
    standing = around.standing_above(level_m)
    labels = components(around.cloud, standing, around.link_m)
    main = _best_label(around, labels)
    if not main:
        return _Group(np.zeros(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool))
    in_box_share = np.bincount(labels, around.in_box) / np.maximum(np.bincount(labels), 1)
    whole = labels == main
    members = whole & (around.in_reach if in_box_share[main] >= OWN_SHARE else around.in_box)
    members = _with_fragments(around, labels, members, in_box_share >= FRAGMENT_SHARE)
    members[members] = without_strays(around.cloud.points_m[members][:, :2], around.cell_m)
    return _Group(members, whole)


def _best_label(around: Surroundings, labels: NDArray[np.intp]) -> int:
    """The group at the middle of the box that also spans the box; 0 where none has a point in it."""
    weights = np.bincount(labels, around.weights * around.in_box)
    weights[0] = 0.0
    total = weights.sum()
    if not total:
        return 0
    shares = weights / total
    scores = np.zeros(len(weights))
    for label in np.nonzero(shares > MIN_WEIGHT_SHARE)[0]:
        x, y = around.cloud.px[labels == label].T
        scores[label] = np.sqrt(shares[label]) * iou_px((x.min(), y.min(), x.max(), y.max()), around.box_px)
    return int(scores.argmax())


def _with_fragments(around: Surroundings, labels: NDArray[np.intp], members: Mask, boxed: Mask) -> Mask:
    """Joined by groups wholly in the box and close by: a handle, a wall behind a rim, and what is close to those.

    The far wall of a cup may be farther off than other parts, but its rim is as high as that of the near wall.
    """
    tops_m = np.zeros(int(labels.max()) + 1)
    np.maximum.at(tops_m, labels, around.heights_m)
    for _ in range(FRAGMENT_ROUNDS):
        others = boxed[labels] & (labels > 0) & ~members
        if not others.any() or not members.any():
            return members
        top_m = float(around.heights_m[members].max())
        level = np.abs(tops_m - top_m) < max(LEVEL_RIM_SHARE * top_m, around.clearance_m)
        reach_m = np.where(level, FAR_WALL_GAP_M, FRAGMENT_GAP_M)
        gap_m = distance_to(around.cloud.points_m[:, :2], members, around.cell_m)
        near = others & (gap_m < reach_m[labels])
        if not near.any():
            return members
        members = members | (np.isin(labels, np.unique(labels[near])) & others)
    return members


def _top_m(around: Surroundings, members: Mask) -> float:
    """Height of the highest few readings over the plane, each the median of its 3 x 3 neighbours."""
    heights = np.sort(around.cloud.smoothed(around.heights_m, members))
    return float(heights[-min(len(heights), max(TOP_COUNT, int(TOP_SHARE * len(heights))))])


def _check_enough(around: Surroundings, members: Mask) -> None:
    if members.sum() >= MIN_OBJECT_POINTS:
        return
    standing = int((around.in_box & (around.heights_m > around.clearance_m)).sum())
    raise NoDepthError(
        f"{standing} of {int(around.in_box.sum())} depth points in the box stand more than "
        f"{1e3 * around.clearance_m:.0f} mm above their support, {int(members.sum())} of them together; at least "
        f"{MIN_OBJECT_POINTS} are needed (a flat or transparent thing, or a box beside it)"
    )
