"""What a call comes back with, before it takes the protocol's form."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from kosmos_agent.skills import SkillReport, Skills, text_of
from kosmos_agent.skills.pictures import annotated
from kosmos_agent.skills.reports import DescribeReport, FindReport, PickReport, PlaceReport, Problem

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


def answered(report: SkillReport, drawn_for: Skills | None = None) -> Reply:
    """drawn_for: whose report it is; with it, the annotated picture goes along where the report has boxes."""
    drawn = annotated(drawn_for, report) if drawn_for is not None and _has_boxes(report) else None
    encoded = None if drawn is None else _encoded(drawn)
    return Reply(text_of(report), report.model_dump(mode="json"), encoded)


def failed(code: str, message: str) -> Reply:
    problem = Problem(code=code, message=message[:_MAX_MESSAGE_CHARACTERS])
    return Reply(f"{code}: {problem.message}", problem=problem)


def _has_boxes(report: SkillReport) -> bool:
    match report:
        case FindReport() | PlaceReport():
            return bool(report.answer.candidates)
        case PickReport():
            return bool(report.pick.answer.candidates)
        case DescribeReport():
            return any(entity.boxes for entity in report.description.entities)
    return False


def _encoded(picture: Image.Image) -> bytes:
    small = picture.convert("RGB")
    small.thumbnail((MAX_PICTURE_SIDE_PX, MAX_PICTURE_SIDE_PX))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()
