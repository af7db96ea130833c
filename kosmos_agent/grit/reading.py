"""GrIT files with their pictures into what training takes: a square picture and a caption whose spans have boxes.

The released files are fetched by img2dataset with `noun_chunks` and `ref_exps` among its additional columns: each
sample's JSON, and the parquet file beside each shard, then hold them. A folder that `grit build` wrote holds parquet
files alone and says in `grit.json` where the pictures are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from kosmos_agent.grit.containment import outermost
from kosmos_agent.grit.cropping import Fit, Fitting
from kosmos_agent.grit.errors import InvalidRecordError, NothingGroundedError
from kosmos_agent.grit.manifest import Manifest
from kosmos_agent.grit.records import GritRecord, SpanBox
from kosmos_agent.grit.rejects import Reject
from kosmos_agent.grit.samples import Sample
from kosmos_agent.grit.shards import RUN, Shard, find_shards
from kosmos_agent.grit.table import holds_grit, read_rows
from kosmos_agent.location import Corners
from kosmos_agent.results import Box, Entity, GroundedText

MIN_SCORE = 0.65
OnReject = Callable[[Reject], None]


@dataclass(frozen=True)
class ReadSettings:
    """What the released loader does by default.

    spans: referring expressions, of those that contain each other the outermost, or noun chunks. min_side_px: pictures
    with a shorter side are skipped (the loader does so for LAION alone, below 200). part: (k, n) takes every nth
    shard from the kth on: one part for each reader.
    """

    spans: Literal["expression", "chunk"] = "expression"
    min_score: float = MIN_SCORE
    size_px: int = 224
    fit: Fit = "crop"
    min_side_px: int = 0
    part: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        if self.spans not in ("expression", "chunk") or self.fit not in ("crop", "stretch"):
            raise InvalidArgumentError(
                f"spans {self.spans!r}, fit {self.fit!r}; valid: expression or chunk, crop or stretch"
            )
        if self.size_px < 1 or not 0 <= self.part[0] < self.part[1]:
            raise InvalidArgumentError(f"size_px {self.size_px}, part {self.part}; valid: 1 or more, (k, n) with k < n")


@dataclass(frozen=True)
class GroundedPair:
    """rgb: (size, size, 3) uint8. text: the caption; its boxes are fractions of `rgb`, entities by start."""

    key: str
    rgb: NDArray[np.uint8]
    text: GroundedText


def grounded_pairs(
    folder: Path | str,
    *,
    pictures: Path | str | None = None,
    settings: ReadSettings | None = None,
    on_reject: OnReject | None = None,
) -> Iterator[GroundedPair]:
    """Every pair of `folder` that keeps a box, once, in order of the shards; one pair in memory at a time.

    pictures: folder of the pictures, where it is neither `folder` nor named in its grit.json. Pairs that cannot be
    used are told to `on_reject` and skipped. InvalidArgumentError for a folder without shards.
    """
    chosen, tell = settings or ReadSettings(), on_reject or _ignore
    for sample, record in annotated_samples(folder, pictures=pictures, part=chosen.part, on_reject=tell):
        try:
            yield grounded_pair(sample, record, chosen)
        except KosmosAgentError as error:
            tell(Reject.of(sample.key, "read", error))


def annotated_samples(
    folder: Path | str,
    *,
    pictures: Path | str | None = None,
    part: tuple[int, int] = (0, 1),
    of_each_shard: int | None = None,
    on_reject: OnReject | None = None,
) -> Iterator[tuple[Sample, GritRecord]]:
    """Samples with their records, pictures not yet decoded. of_each_shard: only so many of each."""
    tell = on_reject or _ignore
    root = Path(folder)
    manifest = Manifest.read(root)
    if pictures is None:
        pictures = root if manifest is None else manifest.pictures(root)
    shards = find_shards(Path(pictures), RUN if manifest is None else manifest.shard_samples)
    for shard in shards[part[0] :: part[1]]:
        if manifest is not None and not _table_path(root, shard).is_file():
            tell(Reject(shard.name, "shard", InvalidRecordError.code, "this shard has not been built"))
            continue
        yield from islice(_of_shard(_table_path(root, shard), shard, tell), of_each_shard)


def grounded_pair(sample: Sample, record: GritRecord, settings: ReadSettings) -> GroundedPair:
    """InvalidImageError, InvalidRecordError, NothingGroundedError: the pair cannot be used."""
    image = sample.image()
    if min(image.size) < settings.min_side_px:
        raise InvalidRecordError(
            f"{sample.key} is {image.width} x {image.height}; valid: {settings.min_side_px} or more"
        )
    fitting = Fitting.of(image.width, image.height, settings.size_px, settings.fit)
    text = grounded_text(record, fitting, settings)
    if not text.entities:
        raise NothingGroundedError(f"no box of {sample.key} is sure enough and inside the crop")
    return GroundedPair(sample.key, fitting.picture(image), text)


def grounded_text(record: GritRecord, fitting: Fitting, settings: ReadSettings) -> GroundedText:
    """Scores, crop, containment, in the order of the released loader. Boxes of a span keep the file's order."""
    rows = record.ref_exps if settings.spans == "expression" else record.noun_chunks
    boxes: dict[tuple[int, int], list[Box]] = {}
    for row in rows:
        box = _fitted(row, fitting) if row.score >= settings.min_score else None
        if box is not None:
            boxes.setdefault(row.span, []).append(box)
    spans = outermost(boxes) if settings.spans == "expression" else sorted(boxes)
    entities = (
        Entity(text=record.caption[start:end], start=start, end=end, boxes=tuple(boxes[start, end]))
        for start, end in spans
    )
    return GroundedText(text=record.caption, entities=tuple(entities))


def _fitted(row: SpanBox, fitting: Fitting) -> Box | None:
    corners: Corners | None = fitting.box(row.corners)
    return None if corners is None else Box(x1=corners[0], y1=corners[1], x2=corners[2], y2=corners[3])


def _of_shard(path: Path, shard: Shard, tell: OnReject) -> Iterator[tuple[Sample, GritRecord]]:
    try:
        table = _table(path)
        for sample in shard.samples():
            try:
                record = _record(sample, table)
            except KosmosAgentError as error:
                tell(Reject.of(sample.key, "read", error))
                continue
            if record is not None:
                yield sample, record
    except InvalidRecordError as error:
        tell(Reject.of(shard.name, "shard", error))


def _table_path(root: Path, shard: Shard) -> Path:
    return root / f"{shard.name}.parquet"


def _table(path: Path) -> Mapping[str, Mapping[str, Any]] | None:
    """The rows of a shard by key; None where each sample brings its own."""
    return {str(row["key"]): row for row in read_rows(path)} if holds_grit(path) else None


def _record(sample: Sample, table: Mapping[str, Mapping[str, Any]] | None) -> GritRecord | None:
    """None for a sample that the builder kept no box of."""
    if table is None:
        return GritRecord.from_row({**sample.facts(), "key": sample.key})
    row = table.get(sample.key)
    return None if row is None else GritRecord.from_row(row)


def _ignore(_: Reject) -> None:
    pass
