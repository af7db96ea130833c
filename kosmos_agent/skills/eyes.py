"""`Eyes`: one camera and one model. What is looked at is encoded once and shared by calls that come together."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from kosmos_agent.errors import KosmosAgentError, NoDepthError, NoDepthImageError, StaleImageError
from kosmos_agent.grounder import Grounder, View
from kosmos_agent.phrases import names_several
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.locate import locate_all
from kosmos_agent.robot.relations import check_in_metres
from kosmos_agent.skills.camera import CameraSource, DepthShot, Shot
from kosmos_agent.skills.deadline import Deadline
from kosmos_agent.skills.limits import Limits
from kosmos_agent.skills.reports import ImageNote


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture that was looked at. came_s: when it was handed over, monotonic."""

    shot: Shot
    view: View
    came_s: float

    @property
    def age_s(self) -> float:
        """Of the picture, now."""
        return self.shot.age_s + time.monotonic() - self.came_s

    @property
    def depth(self) -> DepthShot:
        """NoDepthImageError where the camera gave none."""
        if self.shot.depth is None:
            raise NoDepthImageError("this camera gives no depth; valid for metres: a depth camera")
        return self.shot.depth

    def note(self) -> ImageNote:
        frame = self.view.frame
        return ImageNote(
            stamp_ns=frame.stamp_ns,
            age_s=self.age_s,
            width=frame.width,
            height=frame.height,
            frame_id=frame.frame_id,
        )


class Eyes:
    """Thread-safe."""

    def __init__(self, camera: CameraSource, grounder: Grounder, limits: Limits) -> None:
        self.camera, self.grounder = camera, grounder
        self._limits = limits
        self._lock = threading.Lock()
        self._last: Seen | None = None

    def look(self, deadline: Deadline, after_ns: int | None = None) -> Seen:
        """The newest picture, encoded; the last one where it is as good as new and not older than asked for.

        NoImageError, StaleImageError (older than `Limits.max_age_s`), CancelledError, GoalTimeoutError.
        """
        with self._lock:
            deadline.check()
            if self._last is None or not self._is_good(self._last, after_ns):
                self._last = self._taken(deadline, after_ns)
            deadline.check()
            return self._last

    def find(self, seen: Seen, phrase: str, deadline: Deadline) -> Grounding:
        """Where the thing is, or all of them; claims about place are checked in metres where there is depth."""
        if names_several(phrase):
            answer = seen.view.find_each(phrase, should_stop=deadline.should_stop)
        else:
            answer = seen.view.find(phrase)
        deadline.check()
        depth = seen.shot.depth
        if depth is None or not answer.clauses:
            return answer
        try:
            return check_in_metres(answer, depth.depth_m, depth.camera, depth.T_base_camera)
        except NoDepthError:
            # The picture has judged them already.
            return answer

    def locate(self, seen: Seen, answer: Grounding) -> tuple[Target3D | KosmosAgentError, ...]:
        """For each candidate a target, or why there is none; empty where the answer holds none to locate."""
        if answer.status not in ("found", "ambiguous") or not answer.candidates:
            return ()
        try:
            depth = seen.depth
            return locate_all(answer, depth.depth_m, depth.camera, depth.T_base_camera, frame_id=depth.frame_id)
        except (NoDepthError, NoDepthImageError) as error:
            return (error,) * len(answer.candidates)

    def _is_good(self, seen: Seen, after_ns: int | None) -> bool:
        stamp_ns = seen.shot.stamp_ns
        if after_ns is not None and (stamp_ns is None or stamp_ns <= after_ns):
            return False
        return time.monotonic() - seen.came_s <= self._limits.shared_s

    def _taken(self, deadline: Deadline, after_ns: int | None) -> Seen:
        shot = self.camera.newest(after_ns, min(self._limits.look_timeout_s, deadline.remaining_s))
        came_s = time.monotonic()
        if self.camera.live and shot.age_s > self._limits.max_age_s:
            raise StaleImageError(
                f"the newest picture of {self.camera.name} is {shot.age_s:.3g} s old; "
                f"valid: at most {self._limits.max_age_s:g} s"
            )
        deadline.check()
        view = self.grounder.view(shot.rgb, stamp_ns=shot.stamp_ns, frame_id=shot.frame_id)
        return Seen(shot, view, came_s)
