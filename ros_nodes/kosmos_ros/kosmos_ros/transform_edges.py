"""What is known of one frame relative to its parent: one pose for good, or the poses of the last seconds."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from kosmos_ros.errors import TransformExtrapolationError
from kosmos_ros.poses import Pose

NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Sample:
    """`pose` takes points of the child frame to `parent`, at `stamp_ns`."""

    stamp_ns: int
    parent: str
    pose: Pose


@dataclass
class StaticEdge:
    """Holds at every moment."""

    sample: Sample

    def at(self, child: str, stamp_ns: int) -> Sample:
        return self.sample

    @property
    def parent(self) -> str:
        return self.sample.parent


@dataclass
class MovingEdge:
    """Samples in order of time, none older than `history_ns` before the newest."""

    history_ns: int
    samples: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> bool:
        """False: older than the history, or its stamp is already there; the first one said counts."""
        place = bisect_left(self.samples, sample.stamp_ns, key=_stamp_ns)
        if place < len(self.samples) and self.samples[place].stamp_ns == sample.stamp_ns:
            return False
        if self.samples and sample.stamp_ns < self.samples[-1].stamp_ns - self.history_ns:
            return False
        self.samples.insert(place, sample)
        oldest_ns = self.samples[-1].stamp_ns - self.history_ns
        del self.samples[: bisect_left(self.samples, oldest_ns, key=_stamp_ns)]
        return True

    def at(self, child: str, stamp_ns: int) -> Sample:
        """Between its neighbours; TransformExtrapolationError outside them, and where the parent changed between."""
        place = bisect_left(self.samples, stamp_ns, key=_stamp_ns)
        if place < len(self.samples) and self.samples[place].stamp_ns == stamp_ns:
            return self.samples[place]
        if place == 0 or place == len(self.samples):
            raise self._outside(child, stamp_ns, later=place > 0)
        before, after = self.samples[place - 1], self.samples[place]
        if before.parent != after.parent:
            raise TransformExtrapolationError(
                f"frame {child!r} moved from parent {before.parent!r} to {after.parent!r} then; "
                f"valid: up to {_seconds(before.stamp_ns)} s, or from {_seconds(after.stamp_ns)} s"
            )
        share = (stamp_ns - before.stamp_ns) / (after.stamp_ns - before.stamp_ns)
        return Sample(stamp_ns, before.parent, before.pose.towards(after.pose, share))

    @property
    def parent(self) -> str:
        return self.samples[-1].parent

    def _outside(self, child: str, stamp_ns: int, *, later: bool) -> TransformExtrapolationError:
        first, last = self.samples[0].stamp_ns, self.samples[-1].stamp_ns
        offset_ms = (stamp_ns - last if later else first - stamp_ns) / 1e6
        return TransformExtrapolationError(
            f"{_seconds(stamp_ns)} s is {offset_ms:.1f} ms {'after the newest' if later else 'before the oldest'} "
            f"transform of frame {child!r}; valid: {_seconds(first)} to {_seconds(last)} s"
        )


def _stamp_ns(sample: Sample) -> int:
    return sample.stamp_ns


def _seconds(stamp_ns: int) -> str:
    return f"{stamp_ns / NS_PER_S:.3f}"
