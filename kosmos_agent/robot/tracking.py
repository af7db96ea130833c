"""Which target of this picture is which of the last one: stable numbers for things that mostly stand still.

Each track is a constant-position Kalman filter in metres; its uncertainty grows while it is not seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.results import Target3D

Floats = NDArray[np.float64]

GATE_SQUARED = 16.27
"""99.9 % of a chi-square with three degrees of freedom."""


class TrackedTarget(BaseModel):
    """`target` with position and covariance filtered over `sightings` pictures; `misses` in a row since the last."""

    model_config = ConfigDict(frozen=True)

    track_id: int
    target: Target3D
    sightings: int
    misses: int


class TrackEvent(BaseModel):
    """`appeared`: seen for the first time. `lost`: missed too often; its number is never used again."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["appeared", "lost"]
    track: TrackedTarget
    stamp_ns: int


@dataclass(eq=False)
class _Track:
    track_id: int
    target: Target3D
    position_m: Floats
    covariance_m2: Floats
    sightings: int = 1
    misses: int = 0

    def predict(self, variance_m2: float) -> None:
        self.covariance_m2 = self.covariance_m2 + variance_m2 * np.eye(3)

    def distance_squared(self, target: Target3D) -> float:
        """Mahalanobis, over the uncertainty of both."""
        offset = np.array(target.position_m) - self.position_m
        return float(offset @ np.linalg.solve(self.covariance_m2 + _covariance_m2(target), offset))

    def correct(self, target: Target3D) -> None:
        gain = self.covariance_m2 @ np.linalg.inv(self.covariance_m2 + _covariance_m2(target))
        self.position_m = self.position_m + gain @ (np.array(target.position_m) - self.position_m)
        remaining = np.eye(3) - gain
        # Joseph form: stays symmetric and positive however often it is repeated.
        self.covariance_m2 = remaining @ self.covariance_m2 @ remaining.T + gain @ _covariance_m2(target) @ gain.T
        self.target, self.sightings, self.misses = target, self.sightings + 1, 0

    def tracked(self) -> TrackedTarget:
        x, y, z = (float(value) for value in self.position_m)
        covariance_m2 = tuple(float(value) for value in self.covariance_m2.ravel())
        filtered = self.target.model_copy(update={"position_m": (x, y, z), "covariance_m2": covariance_m2})
        return TrackedTarget(track_id=self.track_id, target=filtered, sightings=self.sightings, misses=self.misses)


class TargetTracker:
    """Feed it every picture's targets in order of time. Not thread-safe.

    drift_m_per_sqrt_s: how far a thing may wander unseen, standard deviation after one second.
    max_jump_m: never joined over more than this, however uncertain. max_misses: lost after more misses in a row.
    """

    def __init__(self, *, drift_m_per_sqrt_s: float = 0.01, max_jump_m: float = 0.10, max_misses: int = 5) -> None:
        if drift_m_per_sqrt_s < 0 or max_jump_m <= 0 or max_misses < 0:
            raise InvalidArgumentError(
                f"drift {drift_m_per_sqrt_s}, jump {max_jump_m}, misses {max_misses}; valid: drift at least 0, "
                "jump above 0, misses at least 0"
            )
        self._drift_m2_per_s = drift_m_per_sqrt_s**2
        self._max_jump_m = max_jump_m
        self._max_misses = max_misses
        self._tracks: list[_Track] = []
        self._next_id = 1
        self._stamp_ns: int | None = None
        self._frame_id: str | None = None

    @property
    def tracks(self) -> tuple[TrackedTarget, ...]:
        return tuple(track.tracked() for track in self._tracks)

    def update(
        self, targets: Sequence[Target3D], stamp_ns: int, looked_for: Collection[str] | None = None
    ) -> tuple[TrackEvent, ...]:
        """Takes in one picture. looked_for: its phrases; tracks of others are not missed. None: all of them.

        InvalidArgumentError: the picture is older than the last one, or a target is in another frame.
        """
        self._check(targets, stamp_ns)
        elapsed_s = 0.0 if self._stamp_ns is None else (stamp_ns - self._stamp_ns) * 1e-9
        self._stamp_ns = stamp_ns
        for track in self._tracks:
            track.predict(self._drift_m2_per_s * elapsed_s)
        known = list(self._tracks)
        seen = self._join(targets)
        events = [self._started(target, stamp_ns) for index, target in enumerate(targets) if index not in seen]
        phrases = None if looked_for is None else {_key(phrase) for phrase in looked_for}
        missed = [track for track in known if track not in seen.values()]
        for track in missed:
            if phrases is None or _key(track.target.phrase) in phrases:
                track.misses += 1
        lost = [track for track in self._tracks if track.misses > self._max_misses]
        self._tracks = [track for track in self._tracks if track not in lost]
        events += [TrackEvent(kind="lost", track=track.tracked(), stamp_ns=stamp_ns) for track in lost]
        return tuple(events)

    def _join(self, targets: Sequence[Target3D]) -> dict[int, _Track]:
        """Corrects tracks by the targets that fit them, nearest pair first; which target went to which track."""
        pairs = [
            (track.distance_squared(target), index, place)
            for index, target in enumerate(targets)
            for place, track in enumerate(self._tracks)
            if self._may_join(track, target)
        ]
        joined: dict[int, _Track] = {}
        taken: set[int] = set()
        for distance_squared, index, place in sorted(pairs):
            if distance_squared <= GATE_SQUARED and index not in joined and place not in taken:
                self._tracks[place].correct(targets[index])
                joined[index] = self._tracks[place]
                taken.add(place)
        return joined

    def _may_join(self, track: _Track, target: Target3D) -> bool:
        jump_m = float(np.linalg.norm(np.array(target.position_m) - track.position_m))
        return _key(track.target.phrase) == _key(target.phrase) and jump_m <= self._max_jump_m

    def _started(self, target: Target3D, stamp_ns: int) -> TrackEvent:
        track = _Track(self._next_id, target, np.array(target.position_m), _covariance_m2(target))
        self._next_id += 1
        self._tracks.append(track)
        return TrackEvent(kind="appeared", track=track.tracked(), stamp_ns=stamp_ns)

    def _check(self, targets: Sequence[Target3D], stamp_ns: int) -> None:
        if self._stamp_ns is not None and stamp_ns < self._stamp_ns:
            raise InvalidArgumentError(f"stamp {stamp_ns} ns is before the last one, {self._stamp_ns} ns")
        for target in targets:
            self._frame_id = self._frame_id or target.frame_id
            if target.frame_id != self._frame_id:
                raise InvalidArgumentError(
                    f"target in frame {target.frame_id!r}; this tracker is in {self._frame_id!r}"
                )


def _covariance_m2(target: Target3D) -> Floats:
    return np.array(target.covariance_m2).reshape(3, 3)


def _key(phrase: str) -> str:
    return " ".join(phrase.casefold().split())
