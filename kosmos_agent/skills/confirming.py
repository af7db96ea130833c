"""What an arm says that it did, looked at again: the place is empty now, or filled, as depth shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.inference.clauses import parse
from kosmos_agent.results import Target3D
from kosmos_agent.robot.occupancy import Cylinder, States, cleared, filled, occupancy
from kosmos_agent.skills.deadline import Deadline
from kosmos_agent.skills.eyes import Eyes, Seen
from kosmos_agent.skills.reports import Confirmed
from kosmos_agent.skills.sights import Wanted

_IN_THE_AIR_M = 0.05
_OFF_M = 0.02
"""Beyond half its own length: it lies beside the place and not in it."""
_LIKELIER_THAN_NOT = 0.5


@dataclass(frozen=True, eq=False)
class Place:
    """A volume and how it was filled in `seen`, before a motion."""

    volume: Cylinder
    seen: Seen

    def states(self, seen: Seen) -> States:
        depth = seen.depth
        return occupancy(self.volume, depth.depth_m, depth.camera, depth.T_base_camera)


def is_gone(eyes: Eyes, place: Place, target: Target3D, wanted: Wanted, deadline: Deadline) -> tuple[Confirmed, str]:
    """Whether the thing has left its place, and no thing of its name stands elsewhere; why not, in words."""
    try:
        now = eyes.look(deadline, place.seen.shot.stamp_ns)
        change = cleared(place.states(place.seen), place.states(now))
        if change != "no" and _stands_elsewhere(eyes, now, target, wanted, deadline):
            return "no", f"{wanted.phrase!r} still stands on the table, so something else was lifted"
    except KosmosAgentError as error:
        # The motion has ended and its outcome stands; only its confirmation is missing.
        return "cannot_tell", str(error)
    return change, f"the gripper reports a hold, but {wanted.phrase!r} is still where it was" if change == "no" else ""


def is_there(eyes: Eyes, place: Place, held: Target3D, deadline: Deadline) -> Confirmed:
    """Whether the place is filled now, and what was `held` is not seen to lie elsewhere."""
    try:
        now = eyes.look(deadline, place.seen.shot.stamp_ns)
        change = filled(place.states(place.seen), place.states(now))
        return "no" if _lies_elsewhere(eyes, now, place, held, deadline) else change
    except KosmosAgentError:
        # As above: what was let go of is let go of.
        return "cannot_tell"


def _stands_elsewhere(eyes: Eyes, now: Seen, target: Target3D, wanted: Wanted, deadline: Deadline) -> bool:
    """Only for a phrase that says what one thing looks like: after "the leftmost cup" is lifted, another one is."""
    if wanted.target_id or not parse(wanted.phrase).claims_nothing_of_place:
        return False
    answer = eyes.find(now, wanted.phrase, deadline)
    if answer.status != "found":
        return False
    other = eyes.locate(now, answer)[0]
    return isinstance(other, Target3D) and other.size_m[2] < target.size_m[2] + _IN_THE_AIR_M


def _lies_elsewhere(eyes: Eyes, now: Seen, place: Place, held: Target3D, deadline: Deadline) -> bool:
    """It may have rolled or tipped off after it was let go of, and looks unlike itself then: that it is likelier there
    than not is enough to doubt a success. Of several that fit its name one must lie in the place."""
    if not parse(held.phrase).claims_nothing_of_place:
        return False
    answer = eyes.find(now, held.phrase, deadline)
    if not answer.candidates or answer.presence < _LIKELIER_THAN_NOT:
        return False
    if answer.status != "ambiguous":
        answer = answer.model_copy(update={"status": "found", "question": None})
    seen = [target for target in eyes.locate(now, answer) if isinstance(target, Target3D)]
    off_m = [float(np.hypot(*np.subtract(target.position_m[:2], place.volume.middle_m))) for target in seen]
    return bool(seen) and min(off_m) > max(held.extent_m) / 2 + _OFF_M
