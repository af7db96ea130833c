"""One row of the released layout (specification 5.2), typed: `GritRecord`, and its spans with their boxes.

A span's row in the files is seven numbers: start character, end character, x1, y1, x2, y2, confidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kosmos_agent.grit.errors import InvalidRecordError
from kosmos_agent.location import Corners

MAX_CAPTION_CHARACTERS = 4_096
_INT64 = 2**63


@dataclass(frozen=True)
class SpanBox:
    """Characters [start, end) of the caption, one box for them, and the detector's confidence in it.

    corners: x1, y1, x2, y2 as fractions of the picture, as the file has them: not clamped, not checked for order.
    Characters are code points, as Python and the released files count them.
    """

    start: int
    end: int
    corners: Corners
    score: float

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end

    def to_row(self) -> list[float]:
        return [float(self.start), float(self.end), *self.corners, self.score]

    @classmethod
    def from_row(cls, row: Sequence[float], caption: str) -> SpanBox:
        """InvalidRecordError unless there are seven finite numbers whose span lies in `caption`."""
        try:
            start, end, x1, y1, x2, y2, score = (float(value) for value in row)
        except (TypeError, ValueError) as error:
            raise InvalidRecordError(f"span row {row!r} is not seven numbers") from error
        if not all(math.isfinite(value) for value in (start, end, x1, y1, x2, y2, score)):
            raise InvalidRecordError(f"span row {list(row)} is not finite")
        if not (start.is_integer() and end.is_integer() and 0 <= start < end <= len(caption)):
            raise InvalidRecordError(
                f"span {start:g} to {end:g} does not lie in a caption of {len(caption)} characters"
            )
        return cls(int(start), int(end), (x1, y1, x2, y2), score)


@dataclass(frozen=True)
class GritRecord:
    """A caption with its noun chunks and referring expressions. width, height: of the picture, pixels.

    Several entries may share a span (several boxes). An expression that could not be expanded is its chunk.
    id, url and the two similarities belong to COYO; they are None or "" for other pairs.
    """

    key: str
    caption: str
    width: int
    height: int
    noun_chunks: tuple[SpanBox, ...]
    ref_exps: tuple[SpanBox, ...]
    id: int | None = None
    url: str = ""
    clip_similarity_vitb32: float | None = None
    clip_similarity_vitl14: float | None = None

    def to_row(self) -> dict[str, Any]:
        """The columns of the released files."""
        return {
            "key": self.key,
            "clip_similarity_vitb32": self.clip_similarity_vitb32,
            "clip_similarity_vitl14": self.clip_similarity_vitl14,
            "id": self.id,
            "url": self.url,
            "caption": self.caption,
            "width": self.width,
            "height": self.height,
            "noun_chunks": [span.to_row() for span in self.noun_chunks],
            "ref_exps": [span.to_row() for span in self.ref_exps],
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> GritRecord:
        """The inverse; a sample's own JSON has the same names. InvalidRecordError names the field."""
        caption = _field(row, "caption", str)
        if not 1 <= len(caption) <= MAX_CAPTION_CHARACTERS:
            raise InvalidRecordError(f"caption of {len(caption)} characters; valid: 1 to {MAX_CAPTION_CHARACTERS}")
        return cls(
            key=_field(row, "key", str),
            caption=caption,
            width=_side(row, "width"),
            height=_side(row, "height"),
            noun_chunks=_spans(row, "noun_chunks", caption),
            ref_exps=_spans(row, "ref_exps", caption),
            **origin(row),
        )


def origin(row: Mapping[str, Any]) -> dict[str, Any]:
    """Where the pair came from; a field that is absent, or that its column cannot hold, stays unset."""
    url, number = row.get("url"), row.get("id")
    found: dict[str, Any] = {"url": url if is_text(url) else "", "id": None}
    if isinstance(number, int | float) and -_INT64 <= number < _INT64:
        found["id"] = int(number)
    for name in ("clip_similarity_vitb32", "clip_similarity_vitl14"):
        value = row.get(name)
        found[name] = value if isinstance(value, float) and math.isfinite(value) else None
    return found


def is_text(value: object) -> bool:
    """A string that UTF-8 can hold: JSON and file names may smuggle in halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _field(row: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    value = row.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidRecordError(f"field {name!r} is {value!r:.80}")
    return value


def _side(row: Mapping[str, Any], name: str) -> int:
    """Whoever fetched the pictures may have written NaN where a size was missing."""
    value = _field(row, name, (int, float))
    if not math.isfinite(value):
        raise InvalidRecordError(f"field {name!r} is {value}; valid: pixels")
    return int(value)


def _spans(row: Mapping[str, Any], name: str, caption: str) -> tuple[SpanBox, ...]:
    value = row.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidRecordError(f"field {name!r} is {value!r:.80}; valid: a list of rows of seven numbers")
    return tuple(SpanBox.from_row(item, caption) for item in value)
