"""What a language model is given of a report: its text, and the annotated picture where that is asked for."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from kosmos_agent.skills import SkillReport, Skills, text_of
from kosmos_agent.skills.pictures import annotated

MAX_SIDE_PX = 1024
_JPEG_QUALITY = 85

Content = str | list[dict[str, Any]]


def content_of(skills: Skills, report: SkillReport, picture: bool) -> Content:
    """With `picture`, a text block and an image block (JPEG, base64)."""
    text = text_of(report)
    drawn = annotated(skills, report) if picture else None
    if drawn is None:
        return text
    return [{"type": "text", "text": text}, image_block(drawn)]


def image_block(picture: Image.Image) -> dict[str, Any]:
    """A LangChain image block, at most `MAX_SIDE_PX` a side."""
    small = picture.convert("RGB")
    small.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=_JPEG_QUALITY)
    return {"type": "image", "base64": base64.b64encode(data.getvalue()).decode(), "mime_type": "image/jpeg"}
