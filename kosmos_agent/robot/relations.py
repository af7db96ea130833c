"""Claims of a phrase about place, checked in metres: who stands behind whom is certain once there is depth."""

from __future__ import annotations

from collections.abc import Callable

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
    boxes = [answer.best.box, *(clause.anchor_box for clause in metric if clause.anchor_box is not None)]
    view = DepthView(depth_m, camera, T_base_camera, boxes)
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
    state = _JUDGES[clause.relation](subject, anchor, view.T_base_camera[:2, 3])
    return clause.model_copy(update={"state": state, "geometry": "metres"})


def _behind(subject: Target3D, anchor: Target3D, camera_xy_m: NDArray[np.float64]) -> ClauseState:
    away_m = [float(np.hypot(*(np.array(thing.position_m[:2]) - camera_xy_m))) for thing in (subject, anchor)]
    lead_m = away_m[0] - away_m[1]
    if lead_m >= DEPTH_M:
        return "holds"
    return "fails" if lead_m <= -DEPTH_M else "unsure"


def _gap_m(subject: Target3D, anchor: Target3D) -> float:
    """Between the footprints, each taken for a disc of its mean width."""
    offset_m = np.subtract(subject.position_m[:2], anchor.position_m[:2])
    return float(np.hypot(*offset_m)) - (sum(subject.extent_m) + sum(anchor.extent_m)) / 4


def _next_to(subject: Target3D, anchor: Target3D, _: NDArray[np.float64]) -> ClauseState:
    gap_m = _gap_m(subject, anchor)
    if gap_m <= NEXT_M:
        return "holds"
    return "fails" if gap_m >= APART_M else "unsure"


def _on(subject: Target3D, anchor: Target3D, _: NDArray[np.float64]) -> ClauseState:
    offset_m = float(np.hypot(*np.subtract(subject.position_m[:2], anchor.position_m[:2])))
    if offset_m <= max(anchor.extent_m) / 2:
        return "holds"
    return "fails" if _gap_m(subject, anchor) >= OFF_M else "unsure"


_JUDGES: dict[Relation, Callable[[Target3D, Target3D, NDArray[np.float64]], ClauseState]] = {
    "behind": _behind,
    "in front of": lambda subject, anchor, camera_xy_m: _behind(anchor, subject, camera_xy_m),
    "next to": _next_to,
    "on": _on,
}
