"""A buffer of transforms: what tf said over the last seconds, looked up at a picture's own stamp. No rclpy here.

It keeps to tf2's rules where a robot could tell the difference: linear and slerp between samples, static transforms
hold always, the first of two samples of one stamp counts, a parent may change. It never gives "the latest".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.robot import frames
from kosmos_ros.errors import (
    BadTransformError,
    FramesNotConnectedError,
    TransformExtrapolationError,
    UnknownFrameError,
)
from kosmos_ros.poses import Pose
from kosmos_ros.transform_edges import NS_PER_S, MovingEdge, Sample, StaticEdge

Floats = NDArray[np.float64]

HISTORY_S = 10.0
MAX_FRAMES = 4096
NAMES_IN_MESSAGES = 12


@dataclass(frozen=True)
class _Chain:
    """From a frame up towards its root: each frame passed, and `T_frame_start` to it. error: why it went no further."""

    T_frame_start: dict[str, Floats]
    error: TransformExtrapolationError | None


class TransformBuffer:
    """Thread-safe. Frame names without a leading slash; a slash that comes with one is dropped."""

    def __init__(self, history_s: float = HISTORY_S) -> None:
        if not 0 < history_s <= 3600:
            raise InvalidArgumentError(f"a history of {history_s} s; valid: above 0, at most 3600")
        self._history_ns = round(history_s * NS_PER_S)
        self._edges: dict[str, StaticEdge | MovingEdge] = {}
        self._changed = threading.Condition()

    def add(self, parent: str, child: str, pose: Pose, stamp_ns: int, *, static: bool = False) -> bool:
        """`pose` takes points of `child` to `parent`. False: too old, or its stamp is already there.

        A frame that was static and now moves, or the other way round, is what the last one says. BadTransformError:
        no name, its own parent, or more frames than a robot has.
        """
        parent, child = frame_name(parent), frame_name(child)
        if not parent or not child or parent == child:
            raise BadTransformError(f"a transform from {child!r} to {parent!r}; valid: two different names")
        with self._changed:
            if child not in self._edges and len(self._edges) >= MAX_FRAMES:
                raise BadTransformError(f"frame {child!r} would be one too many; valid: at most {MAX_FRAMES}")
            added = self._added(child, Sample(stamp_ns, parent, pose), static)
            self._changed.notify_all()
        return added

    def clear(self) -> None:
        """Forgets what moves; static transforms hold whatever the clock does."""
        with self._changed:
            self._edges = {child: edge for child, edge in self._edges.items() if isinstance(edge, StaticEdge)}
            self._changed.notify_all()

    @property
    def frames(self) -> tuple[str, ...]:
        """All names heard of, sorted."""
        with self._changed:
            return self._names()

    def lookup(self, target: str, source: str, stamp_ns: int) -> Floats:
        """(4, 4) `T_target_source` at `stamp_ns`: takes points of `source` to `target`.

        UnknownFrameError, FramesNotConnectedError, TransformExtrapolationError (nothing about that moment),
        BadTransformError (a loop), InvalidArgumentError (no stamp: 0 means "latest" elsewhere, never here).
        """
        target, source = frame_name(target), frame_name(source)
        if stamp_ns <= 0:
            raise InvalidArgumentError(f"a lookup at {stamp_ns} ns; valid: the picture's own stamp, above 0")
        if target == source and target:
            return np.eye(4)
        with self._changed:
            self._check_known(target, source)
            return self._between(target, source, stamp_ns)

    def wait_for(
        self, target: str, source: str, stamp_ns: int, timeout_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> Floats:
        """`lookup`, tried again with each transform that arrives for at most `timeout_s` seconds of wall time.

        Then the last try's own error says what is missing.
        """
        deadline = clock() + timeout_s
        with self._changed:
            while True:
                try:
                    return self.lookup(target, source, stamp_ns)
                except (UnknownFrameError, FramesNotConnectedError, TransformExtrapolationError) as error:
                    remaining_s = deadline - clock()
                    if remaining_s <= 0:
                        raise type(error)(f"{error}; waited {timeout_s:.3g} s") from error
                self._changed.wait(remaining_s)

    def _added(self, child: str, sample: Sample, static: bool) -> bool:
        if static:
            self._edges[child] = StaticEdge(sample)
            return True
        edge = self._edges.get(child)
        if not isinstance(edge, MovingEdge):
            edge = self._edges[child] = MovingEdge(self._history_ns)
        return edge.add(sample)

    def _between(self, target: str, source: str, stamp_ns: int) -> Floats:
        from_source, from_target = self._chain(source, stamp_ns), self._chain(target, stamp_ns)
        for frame, T_frame_source in from_source.T_frame_start.items():
            if frame in from_target.T_frame_start:
                return frames.inverse(from_target.T_frame_start[frame]) @ T_frame_source
        missing = from_source.error or from_target.error
        if missing is not None:
            raise missing
        raise FramesNotConnectedError(
            f"{target!r} and {source!r} are in two trees, under {next(reversed(from_target.T_frame_start))!r} and "
            f"{next(reversed(from_source.T_frame_start))!r}; a transform between the trees is missing"
        )

    def _chain(self, start: str, stamp_ns: int) -> _Chain:
        """As far up as the samples reach: what lies above the common frame need not hold at that moment."""
        passed, frame, T_frame_start = {start: np.eye(4)}, start, np.eye(4)
        while frame in self._edges:
            try:
                sample = self._edges[frame].at(frame, stamp_ns)
            except TransformExtrapolationError as error:
                return _Chain(passed, error)
            frame, T_frame_start = sample.parent, sample.pose.matrix @ T_frame_start
            if frame in passed:
                raise BadTransformError(f"the frames above {start!r} run in a loop through {frame!r}")
            passed[frame] = T_frame_start
        return _Chain(passed, None)

    def _check_known(self, *wanted: str) -> None:
        known = self._names()
        for name in wanted:
            if name not in known:
                listed = ", ".join(known[:NAMES_IN_MESSAGES]) or "none yet"
                more = f" and {len(known) - NAMES_IN_MESSAGES} more" if len(known) > NAMES_IN_MESSAGES else ""
                raise UnknownFrameError(f"frame {name!r} is not in tf; known: {listed}{more}")

    def _names(self) -> tuple[str, ...]:
        return tuple(sorted({*self._edges, *(edge.parent for edge in self._edges.values())}))


def frame_name(name: str) -> str:
    """Without the leading slash of old habits."""
    return name.strip().removeprefix("/")
