"""Samples of a call, which of them count, and the median of those."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Sample:
    """Mean seconds of one call in it. foreign_cores: processors that others used meanwhile; None: not known."""

    seconds: float
    foreign_cores: float | None

    def clean(self, allowed_cores: float) -> bool:
        """Not known counts as clean: the report says that it was not known."""
        return self.foreign_cores is None or self.foreign_cores <= allowed_cores


class Timing(BaseModel):
    """Milliseconds of one call. clean: samples in which others left us our processors; of `samples` in all.

    noisy: fewer than wanted were clean, so the calmest were taken in their place. foreign_cores: of the counted
    samples, the median; None where the system does not tell.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    median_ms: float
    min_ms: float
    max_ms: float
    samples: int
    clean: int
    noisy: bool
    foreign_cores: float | None


def summarise(samples: Sequence[Sample], wanted: int, allowed_cores: float) -> Timing:
    """The median of the clean samples; of the `wanted` calmest ones, marked noisy, where too few were clean."""
    clean = [sample for sample in samples if sample.clean(allowed_cores)]
    noisy = len(clean) < wanted
    counted = sorted(samples, key=_foreign)[:wanted] if noisy else clean
    times_ms = [1000 * sample.seconds for sample in counted]
    known = [sample.foreign_cores for sample in counted if sample.foreign_cores is not None]
    return Timing(
        median_ms=statistics.median(times_ms),
        min_ms=min(times_ms),
        max_ms=max(times_ms),
        samples=len(samples),
        clean=len(clean),
        noisy=noisy,
        foreign_cores=statistics.median(known) if known else None,
    )


def _foreign(sample: Sample) -> float:
    return sample.foreign_cores or 0.0
