"""Ref-L4 (arXiv 2406.16866): a parquet file, one row an expression with one box."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow
import pyarrow.parquet
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.benchmarks.files import AnnotationFiles, unique, validated
from kosmos_agent.evaluation.benchmarks.mdetr import Size, corners
from kosmos_agent.evaluation.benchmarks.samples import Benchmark, GroundingSample

_COLUMNS = ("id", "caption", "bbox", "width", "height", "file_name", "is_rewrite")


@dataclass(frozen=True)
class _Row:
    """bbox: x, y, width, height in pixels."""

    id: int | str
    caption: str
    bbox: tuple[float, float, float, float]
    width: Size
    height: Size
    file_name: str
    is_rewrite: int | bool | None = None


_ADAPTER = TypeAdapter(list[_Row])


def read_ref_l4(path: Path, split: str) -> Benchmark[GroundingSample]:
    """InvalidDatasetError for what is no parquet file, or lacks a column."""
    files = AnnotationFiles()
    try:
        with pyarrow.parquet.ParquetFile(io.BytesIO(files.read(path))) as table:
            known = [name for name in _COLUMNS if name in table.schema_arrow.names]
            data = table.read(columns=known).to_pylist()
    except pyarrow.ArrowException as error:
        raise InvalidDatasetError(f"{path} is no parquet file ({error})") from error
    rows = validated(data, _ADAPTER, str(path))
    unique((str(row.id) for row in rows), str(path))
    if not rows:
        raise InvalidDatasetError(f"{path} holds no rows")
    samples = [
        GroundingSample(
            id=str(row.id),
            image=row.file_name,
            width=row.width,
            height=row.height,
            phrase=row.caption,
            boxes_px=(corners(row.bbox, f"{path}: {row.id}"),),
            kinds=() if row.is_rewrite is None else ("rewritten" if row.is_rewrite else "as annotated",),
        )
        for row in rows
    ]
    return Benchmark("ref-l4", split, samples, files.digest)
