"""Ids of targets that stay the same from picture to picture, one tracker for each frame they are in."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kosmos_agent.results import Box, Grounding
from kosmos_agent.robot.tracking import TargetTracker, TrackedTarget, TrackEvent
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.targets import LocatedTarget

MAX_FRAMES = 8


@dataclass(frozen=True)
class NamedEvent:
    """A tracker's event with the id that the graph knows the target by."""

    event: TrackEvent
    track_id: str


@dataclass(eq=False)
class _FrameTracks:
    tracker: TargetTracker
    names: dict[int, str] = field(default_factory=dict)
    stamp_ns: int = 0


class Tracks:
    """Thread-safe. Ids are never used again, also after `clear`."""

    def __init__(self, settings: GroundingSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._frames: dict[str, _FrameTracks] = {}
        self._ids = itertools.count(1)

    def update(
        self, answer: Grounding, targets: Sequence[LocatedTarget], frame_id: str, stamp_ns: int
    ) -> tuple[list[LocatedTarget], list[NamedEvent]]:
        """The targets with their ids, and what began or ended. Of one thing's rivals only the likeliest is tracked."""
        with self._lock:
            frame = self._frame(frame_id, stamp_ns)
            tracked = [item for item in targets if _is_meant(answer, item)]
            events = frame.tracker.update([item.target for item in tracked], stamp_ns, {answer.phrase})
            frame.stamp_ns = stamp_ns
            for event in events:
                if event.kind == "appeared":
                    frame.names[event.track.track_id] = str(next(self._ids))
            known = {(track.target.phrase, track.target.box): track for track in frame.tracker.tracks}
            named = [_named(item, frame, known) if item in tracked else item for item in targets]
            return named, [NamedEvent(event, frame.names[event.track.track_id]) for event in events]

    def clear(self) -> None:
        """Time went back: nothing seen before it is known any more."""
        with self._lock:
            self._frames.clear()

    def _frame(self, frame_id: str, stamp_ns: int) -> _FrameTracks:
        frame = self._frames.get(frame_id)
        if frame is None or stamp_ns < frame.stamp_ns:
            if len(self._frames) >= MAX_FRAMES:
                self._frames.pop(next(iter(self._frames)))
            settings = self._settings
            tracker = TargetTracker(max_jump_m=settings.track_max_jump_m, max_misses=settings.track_max_misses)
            frame = self._frames[frame_id] = _FrameTracks(tracker)
        return frame


def _is_meant(answer: Grounding, item: LocatedTarget) -> bool:
    if answer.status == "ambiguous" or answer.count == "many":
        return True
    return answer.status == "found" and item.candidate == 0


def _named(item: LocatedTarget, frame: _FrameTracks, known: dict[tuple[str, Box], TrackedTarget]) -> LocatedTarget:
    track = known.get((item.target.phrase, item.target.box))
    return item if track is None else replace(item, track_id=frame.names[track.track_id])
