"""Parquet files of the released layout: `GritRecord`s out and in again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kosmos_agent.grit.errors import InvalidRecordError
from kosmos_agent.grit.records import GritRecord

_SPANS = pa.list_(pa.list_(pa.float64()))
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("clip_similarity_vitb32", pa.float64()),
        ("clip_similarity_vitl14", pa.float64()),
        ("id", pa.int64()),
        ("url", pa.string()),
        ("caption", pa.string()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("noun_chunks", _SPANS),
        ("ref_exps", _SPANS),
    ]
)
_NEEDED = ("key", "caption", "width", "height", "noun_chunks", "ref_exps")
_ROWS = 1_024


def write_table(path: Path, records: Iterable[GritRecord]) -> None:
    """Snappy, as released. The file appears whole or not at all."""
    table = pa.Table.from_pylist([record.to_row() for record in records], schema=SCHEMA)
    whole = path.with_name(f".{path.name}.part")
    pq.write_table(table, whole, compression="snappy")
    os.replace(whole, path)


def read_table(path: Path) -> Iterator[GritRecord]:
    """The inverse of `write_table`. InvalidRecordError for a file or a row that does not keep to the layout."""
    return (GritRecord.from_row(row) for row in read_rows(path))


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows not yet checked, a thousand in memory at a time. InvalidRecordError for a file of another layout."""
    try:
        with pq.ParquetFile(path) as file:
            absent = [name for name in _NEEDED if name not in file.schema_arrow.names]
            if absent:
                raise InvalidRecordError(f"{path.name} has no column {absent[0]}; valid: {', '.join(SCHEMA.names)}")
            columns = [name for name in SCHEMA.names if name in file.schema_arrow.names]
            for batch in file.iter_batches(_ROWS, columns=columns):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise InvalidRecordError(f"{path.name} is no parquet file that can be read: {error}") from error


def holds_grit(path: Path) -> bool:
    """Whether it is a file with the columns of the released layout; img2dataset's own are none unless asked to be.

    InvalidRecordError for a file that is no parquet at all.
    """
    if not path.is_file():
        return False
    try:
        names = pq.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        raise InvalidRecordError(f"{path.name} is no parquet file that can be read: {error}") from error
    return all(name in names for name in _NEEDED)
