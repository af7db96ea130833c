"""`Eyes`: one camera and one model. What is looked at is encoded once and shared by calls that come together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import KosmosAgentError, NoDepthError, NoDepthImageError, NoImageError, StaleImageError
from kosmos_agent.grounder import Grounder
from kosmos_agent.phrases import names_several
from kosmos_agent.remote import RemoteGrounder, RemoteView
from kosmos_agent.results import Grounding, Target3D
from kosmos_agent.robot.locate import locate_all
from kosmos_agent.robot.relations import check_in_metres
from kosmos_agent.skills.camera import CameraSource, DepthShot, Shot
from kosmos_agent.skills.deadline import Deadline
from kosmos_agent.skills.limits import Limits
from kosmos_agent.skills.reports import ImageNote
from kosmos_agent.view import View

_SLICE_S = 0.25
"""How often a wait looks whether it is still wanted."""
_PICTURES_KEPT = 8


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture that was looked at. came_s: when it was handed over, monotonic."""

    shot: Shot
    view: View | RemoteView
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

    def __init__(self, camera: CameraSource, grounder: Grounder | RemoteGrounder, limits: Limits) -> None:
        self.camera, self.grounder = camera, grounder
        self._limits = limits
        self._lock = threading.Lock()
        self._last: Seen | None = None
        self._pictures: deque[Shot] = deque(maxlen=_PICTURES_KEPT)

    def look(self, deadline: Deadline, after_ns: int | None = None) -> Seen:
        """The newest picture, encoded; the last one where it came at most `Limits.shared_s` before this call and is
        not older than asked for, so that calls that come together share one look.

        NoImageError, StaleImageError (older than `Limits.max_age_s`), CancelledError, GoalTimeoutError.
        """
        asked_s = time.monotonic()
        with self._turn(deadline):
            deadline.check()
            if self._last is None or not self._is_good(self._last, after_ns, asked_s):
                self._last = self._taken(deadline, after_ns)
            deadline.check()
            return self._last

    def picture_of(self, note: ImageNote) -> NDArray[np.uint8] | None:
        """(H, W, 3) uint8: the picture that a report rests on; None once others have taken its place."""
        wanted = (note.stamp_ns, note.height, note.width)
        shots = reversed(tuple(self._pictures))
        return next((shot.rgb for shot in shots if (shot.stamp_ns, *shot.rgb.shape[:2]) == wanted), None)

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

    @contextmanager
    def _turn(self, deadline: Deadline) -> Iterator[None]:
        """Another caller's look may take long; this one's time limit and cancel hold while it waits."""
        while not self._lock.acquire(timeout=_SLICE_S):
            deadline.check()
        try:
            yield
        finally:
            self._lock.release()

    def _is_good(self, seen: Seen, after_ns: int | None, asked_s: float) -> bool:
        stamp_ns = seen.shot.stamp_ns
        if after_ns is not None and (stamp_ns is None or stamp_ns <= after_ns):
            return False
        # By the time of the call, not of its turn: a call that waited while the picture was encoded shares it.
        return asked_s - seen.came_s <= self._limits.shared_s

    def _taken(self, deadline: Deadline, after_ns: int | None) -> Seen:
        shot = self._newest(deadline, after_ns)
        came_s = time.monotonic()
        if self.camera.live and shot.age_s > self._limits.max_age_s:
            raise StaleImageError(
                f"the newest picture of {self.camera.name} is {shot.age_s:.3g} s old; "
                f"valid: at most {self._limits.max_age_s:g} s"
            )
        deadline.check()
        if self._last is not None and self._last.shot.rgb is shot.rgb:
            return Seen(shot, self._last.view, came_s)
        view = self.grounder.view(shot.rgb, stamp_ns=shot.stamp_ns, frame_id=shot.frame_id)
        self._pictures.append(shot)
        return Seen(shot, view, came_s)

    def _newest(self, deadline: Deadline, after_ns: int | None) -> Shot:
        """Asked in slices, so that a cancel is heeded while the camera is waited for."""
        limit_s = self._limits.look_timeout_s
        end_s = time.monotonic() + limit_s
        while True:
            start_s = time.monotonic()
            slice_s = max(min(_SLICE_S, end_s - start_s, deadline.remaining_s), 0.0)
            try:
                return self.camera.newest(after_ns, slice_s)
            except NoImageError as error:
                deadline.check()
                waited = time.monotonic() - start_s >= slice_s / 2
                # A camera that did not even wait will not have a picture soon.
                if not waited or time.monotonic() >= end_s:
                    raise NoImageError(f"{error} (waited at most {limit_s:.3g} s)") from error
