"""Claims of a phrase about place, checked in metres: who stands behind whom is certain once there is depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import NoDepthError
from kosmos_agent.results import Box, Candidate, Clause, ClauseState, Grounding, Relation, Target3D, with_clauses
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.depth_view import DepthView

DEPTH_M = 0.02
"""Behind and in front: difference of the distances from the camera along the ground that is beyond dispute."""
NEXT_M, APART_M = 0.06, 0.12
"""Next to: free space between the two footprints."""
OFF_M = 0.02
"""On: free space from which a thing stands beside the other and not on it."""
NEARER_M = 0.02
"""Nearest to: how much farther off, by middles and by free space, the others are beyond dispute."""
SAME_THING_M = 0.03
"""Boxes whose things lie so close are on one thing."""


@dataclass(frozen=True, eq=False)
class _Places:
    """rivals: what else the phrase could mean. all_seen: whether each of them has a place."""

    subject: Target3D
    anchor: Target3D
    rivals: tuple[Target3D, ...]
    all_seen: bool
    camera_xy_m: NDArray[np.float64]


def check_in_metres(
    answer: Grounding, depth_m: NDArray[np.floating], camera: Camera, T_base_camera: NDArray[np.floating]
) -> Grounding:
    """The answer with its clauses about depth and distance checked again, and its status lowered where one fails.

    Arguments and errors as for `locate`, but that a thing without depth keeps what the picture said. Left and right
    are a matter of the picture and stay. What the picture alone made `cannot_tell` stays so.
    """
    metric = [clause for clause in answer.clauses if clause.anchor_box is not None and clause.relation in _JUDGES]
    if not metric or not answer.candidates:
        return answer
    anchors = [clause.anchor_box for clause in metric if clause.anchor_box is not None]
    rivals = [box for clause in metric for box in clause.rival_boxes]
    view = DepthView(depth_m, camera, T_base_camera, [answer.best.box, *anchors, *rivals])
    subject = _target(view, answer, answer.best.box)
    clauses = tuple(
        clause if subject is None or clause not in metric else _checked(view, answer, subject, clause)
        for clause in answer.clauses
    )
    return with_clauses(answer, clauses)


def _target(view: DepthView, answer: Grounding, box: Box) -> Target3D | None:
    try:
        return view.target(answer, Candidate(box=box, probability=1.0))
    except NoDepthError:
        return None


def _checked(view: DepthView, answer: Grounding, subject: Target3D, clause: Clause) -> Clause:
    anchor = None if clause.anchor_box is None else _target(view, answer, clause.anchor_box)
    if anchor is None:
        return clause
    located = [_target(view, answer, box) for box in clause.rival_boxes]
    rivals = tuple(thing for thing in located if thing is not None and not _is_one_of(thing, (subject, anchor)))
    if clause.relation != "on" and _is_one_of(subject, (anchor,)):
        return clause.model_copy(update={"state": "fails", "geometry": "metres"})
    places = _Places(subject, anchor, rivals, None not in located, view.T_base_camera[:2, 3])
    state = _JUDGES[clause.relation](places)
    return clause.model_copy(update={"state": state, "geometry": "metres"})


def _is_one_of(thing: Target3D, others: tuple[Target3D, ...]) -> bool:
    return any(_apart_m(thing, other) <= SAME_THING_M for other in others)


def _behind(places: _Places) -> ClauseState:
    away_m = [
        float(np.hypot(*(np.array(thing.position_m[:2]) - places.camera_xy_m)))
        for thing in (places.subject, places.anchor)
    ]
    return _beyond(away_m[0] - away_m[1], DEPTH_M)


def _in_front_of(places: _Places) -> ClauseState:
    return _behind(replace(places, subject=places.anchor, anchor=places.subject))


def _next_to(places: _Places) -> ClauseState:
    gap_m = _gap_m(places.subject, places.anchor)
    if gap_m <= NEXT_M:
        return "holds"
    return "fails" if gap_m >= APART_M else "unsure"


def _on(places: _Places) -> ClauseState:
    if _apart_m(places.subject, places.anchor) <= max(places.anchor.extent_m) / 2:
        return "holds"
    return "fails" if _gap_m(places.subject, places.anchor) >= OFF_M else "unsure"


def _nearest(places: _Places) -> ClauseState:
    """By middles and by free space alike; what has no place might be nearer."""
    states = {_beyond(_lead_m(places, measure), NEARER_M) for measure in (_apart_m, _gap_m)}
    if "fails" in states:
        return "fails" if "holds" not in states else "unsure"
    return "holds" if states == {"holds"} and places.all_seen else "unsure"


def _lead_m(places: _Places, measure: Callable[[Target3D, Target3D], float]) -> float:
    """How much farther off than the subject the nearest of the others is; without others, without end."""
    own_m = measure(places.subject, places.anchor)
    return min((measure(rival, places.anchor) for rival in places.rivals), default=float("inf")) - own_m


def _beyond(value_m: float, margin_m: float) -> ClauseState:
    if value_m >= margin_m:
        return "holds"
    return "fails" if value_m <= -margin_m else "unsure"


def _apart_m(thing: Target3D, other: Target3D) -> float:
    return float(np.hypot(*np.subtract(thing.position_m[:2], other.position_m[:2])))


def _gap_m(thing: Target3D, other: Target3D) -> float:
    """Between the footprints, each taken for a disc of its mean width."""
    return _apart_m(thing, other) - (sum(thing.extent_m) + sum(other.extent_m)) / 4


_JUDGES: dict[Relation, Callable[[_Places], ClauseState]] = {
    "behind": _behind,
    "in front of": _in_front_of,
    "next to": _next_to,
    "on": _on,
    "nearest to": _nearest,
}
