"""Samples into rows of bounded length. Neighbours in a row never see each other (`rows.batch.TokenBatch`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kosmos_agent.errors import InvalidSampleError
from kosmos_agent.training.rows.sample import Sample


@dataclass(frozen=True)
class Placed:
    """A sample, and the number of the source that it came from."""

    sample: Sample
    source: int


Row = tuple[Placed, ...]


def packed(samples: Iterable[Placed], row_tokens: int, *, share_rows: bool = True) -> list[Row]:
    """First fit, in order: each sample goes into the first row that still holds it. The same samples, the same rows.

    InvalidSampleError for a sample that is longer than a row: half a sample would teach that boxes stay open.
    """
    rows: list[list[Placed]] = []
    left: list[int] = []
    for placed in samples:
        length = len(placed.sample)
        if length > row_tokens:
            raise InvalidSampleError(f"a sample of {length} tokens does not fit a row of {row_tokens}")
        fit = next((index for index, room in enumerate(left) if share_rows and room >= length), None)
        if fit is None:
            rows.append([])
            left.append(row_tokens)
            fit = len(rows) - 1
        rows[fit].append(placed)
        left[fit] -= length
    return [tuple(row) for row in rows]


def passes(rows: Sequence[Row], rows_per_pass: int) -> list[Sequence[Row]]:
    """Groups of rows for one forward and backward pass each, rows of like length together so that little is padding."""
    ordered = sorted(rows, key=lambda row: -sum(len(placed.sample) for placed in row))
    return [ordered[start : start + rows_per_pass] for start in range(0, len(ordered), rows_per_pass)]
