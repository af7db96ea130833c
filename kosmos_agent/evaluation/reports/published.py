"""Published figures to put beside ours: the paper's tables, and later work on the same protocols.

Zero-shot rows are the fair comparison; the others saw training data of the benchmark. "secondary source" marks a number
that was read in another paper than its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

_FILE = Path(__file__).with_name("published.json")


@dataclass(frozen=True)
class PublishedRow:
    """percent: split -> figure -> value as tables print it, of 100."""

    model: str
    zero_shot: bool
    source: str
    percent: Mapping[str, Mapping[str, float]]


_ADAPTER = TypeAdapter(dict[str, list[PublishedRow]])


@cache
def published() -> dict[str, list[PublishedRow]]:
    """By benchmark, in the order of the tables."""
    return _ADAPTER.validate_json(_FILE.read_bytes())


def rows_beside(benchmark: str, split: str) -> list[PublishedRow]:
    """Rows that have figures for this split; for a split that nobody published, those of any."""
    rows = published().get(benchmark, [])
    return [row for row in rows if split in row.percent] or rows
