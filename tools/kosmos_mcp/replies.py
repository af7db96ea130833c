"""What a call comes back with, before it takes the protocol's form."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from kosmos_agent.skills import SkillReport, text_of
from kosmos_agent.skills.pictures import annotated
from kosmos_agent.skills.reports import Problem

PICTURE_TYPE = "image/jpeg"
MAX_PICTURE_SIDE_PX = 1280
OTHER = "other"
_QUALITY = 85
_MAX_MESSAGE_CHARACTERS = 1000


@dataclass(frozen=True)
class Reply:
    """text: for a model. structured: the report as JSON, None exactly when `problem` says why there is none.

    picture: an encoded picture of the type `PICTURE_TYPE`.
    """

    text: str
    structured: dict[str, Any] | None = None
    picture: bytes | None = None
    problem: Problem | None = None


def answered(report: SkillReport, *, picture: bool) -> Reply:
    """picture: the annotated picture too, where the report has boxes."""
    drawn = annotated(report) if picture else None
    encoded = None if drawn is None else _encoded(drawn)
    return Reply(text_of(report), report.model_dump(mode="json"), encoded)


def failed(code: str, message: str) -> Reply:
    problem = Problem(code=code, message=message[:_MAX_MESSAGE_CHARACTERS])
    return Reply(f"{code}: {problem.message}", problem=problem)


def _encoded(picture: Image.Image) -> bytes:
    small = picture.convert("RGB")
    small.thumbnail((MAX_PICTURE_SIDE_PX, MAX_PICTURE_SIDE_PX))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()
