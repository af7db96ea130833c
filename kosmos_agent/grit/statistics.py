"""Counts over a folder of GrIT files, as in the paper's Table 1, with what was set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grit.containment import drop_contained
from kosmos_agent.grit.records import GritRecord
from kosmos_agent.grit.rejects import REJECTS, Reject, read_rejects
from kosmos_agent.grit.table import holds_grit, read_table

TableRow = tuple[int, int, int | None, float | None]
"""Images, objects, text spans, mean words of an expression; None for what is not told."""
PAPER_TABLE: dict[str, TableRow] = {
    "Flickr Entities": (31_783, 275_775, 513_644, None),
    "RefCOCOg": (26_711, 54_822, 85_474, 8.43),
    "RefCOCO": (19_994, 50_000, 142_209, 3.61),
    "RefCOCO+": (19_992, 49_856, 141_564, 3.53),
    "Visual Genome": (108_077, 4_102_818, None, None),
    "GrIT": (90_614_680, 137_349_210, 114_978_233, 4.7),
}
"""The paper's Table 1."""
_COLUMNS = ("images", "objects", "text_spans", "mean_expression_words")


@dataclass
class Statistics:
    """Of expressions that lie in no other one, as the paper keeps them.

    objects: boxes. spans: distinct spans of a caption. expanded: spans that are more than a noun chunk. words: of all
    spans, parted by white space. rejected: (stage, code) to pairs.
    """

    name: str
    images: int = 0
    objects: int = 0
    spans: int = 0
    expanded: int = 0
    words: int = 0
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, record: GritRecord) -> None:
        kept = drop_contained(record.ref_exps)
        spans = {item.span for item in kept}
        self.images += 1
        self.objects += len(kept)
        self.spans += len(spans)
        self.expanded += len(spans - {item.span for item in record.noun_chunks})
        self.words += sum(len(record.caption[start:end].split()) for start, end in spans)

    def add_rejects(self, rejects: Iterable[Reject]) -> None:
        self.rejected.update((reject.stage, reject.code) for reject in rejects)

    @property
    def mean_words(self) -> float:
        return self.words / max(self.spans, 1)

    @property
    def boxes_a_picture(self) -> float:
        return self.objects / max(self.images, 1)

    @property
    def expanded_share(self) -> float:
        return self.expanded / max(self.spans, 1)

    def table_row(self) -> TableRow:
        return self.images, self.objects, self.spans, self.mean_words

    def summary(self) -> dict[str, Any]:
        rejected = [
            {"stage": stage, "code": code, "pairs": count} for (stage, code), count in sorted(self.rejected.items())
        ]
        return {
            "folder": self.name,
            **dict(zip(_COLUMNS, self.table_row(), strict=True)),
            "expanded_share": self.expanded_share,
            "rejected": rejected,
            "paper": {name: dict(zip(_COLUMNS, row, strict=True)) for name, row in PAPER_TABLE.items()},
        }


def statistics(folder: Path) -> Statistics:
    """InvalidArgumentError for a folder without parquet files of the layout, InvalidRecordError for a bad row."""
    found = Statistics(folder.name)
    for path in grit_tables(folder):
        for record in read_table(path):
            found.add(record)
    for path in sorted((folder / REJECTS).glob("*.jsonl")):
        found.add_rejects(read_rejects(path))
    return found


def grit_tables(folder: Path) -> Iterator[Path]:
    """The parquet files that have the columns of the layout, by name."""
    paths = [path for path in sorted(folder.glob("*.parquet")) if holds_grit(path)]
    if not paths:
        raise InvalidArgumentError(f"{folder} holds no parquet files with the columns of GrIT")
    yield from paths
