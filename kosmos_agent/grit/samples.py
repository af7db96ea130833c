"""Pictures with captions as img2dataset leaves them: KEY.jpg, KEY.txt, KEY.json in tar files or folders.

A sample is only taken apart here; whether its parts are any good is judged later, one sample at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from kosmos_agent.grit.errors import InvalidCaptionError, InvalidRecordError
from kosmos_agent.grit.records import MAX_CAPTION_CHARACTERS, is_text
from kosmos_agent.images import decode_image

PICTURE_SUFFIXES = ("jpg", "jpeg", "png", "webp")
MAX_PICTURE_BYTES = 64 * 2**20
MAX_TEXT_BYTES = 2**20
LIMITS = {**dict.fromkeys(PICTURE_SUFFIXES, MAX_PICTURE_BYTES), "txt": MAX_TEXT_BYTES, "json": MAX_TEXT_BYTES}
"""Suffixes that belong to a sample, with the most bytes that are read of each."""


@dataclass(frozen=True)
class Sample:
    """files: suffix to content. faults: suffix of a file that was not read to the reason, as `too_large` words it."""

    key: str
    files: Mapping[str, bytes] = field(repr=False)
    faults: Mapping[str, str] = field(default_factory=dict)

    def image(self) -> Image.Image:
        """RGB. InvalidRecordError without a picture, InvalidImageError for a damaged or too large one."""
        return decode_image(self._picture(), f"picture {self.key}", formats=("JPEG", "PNG", "WEBP"))

    def facts(self) -> dict[str, Any]:
        """The JSON object; {} without one. InvalidRecordError when it is no object."""
        self._check("json")
        if "json" not in self.files:
            return {}
        try:
            found = json.loads(self.files["json"])
        except (ValueError, RecursionError) as error:
            raise InvalidRecordError(f"{self.key}.json is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise InvalidRecordError(f"{self.key}.json holds a {type(found).__name__}; valid: an object")
        return found

    def caption(self) -> str:
        """From the text file, else from the JSON. InvalidCaptionError when there is none, or one too long."""
        self._check("txt")
        if "txt" in self.files:
            try:
                text: object = self.files["txt"].decode("utf-8")
            except UnicodeDecodeError as error:
                raise InvalidCaptionError(f"{self.key}.txt is not UTF-8: {error}") from error
        else:
            text = self.facts().get("caption")
        if not isinstance(text, str) or not text.strip():
            raise InvalidCaptionError(f"{self.key} has no caption")
        if not is_text(text):
            raise InvalidCaptionError(f"the caption of {self.key} holds half of a surrogate pair")
        if len(text) > MAX_CAPTION_CHARACTERS:
            raise InvalidCaptionError(f"{self.key}: {len(text)} characters; valid: 1 to {MAX_CAPTION_CHARACTERS}")
        return text.strip()

    def _picture(self) -> bytes:
        for suffix in PICTURE_SUFFIXES:
            self._check(suffix)
            if suffix in self.files:
                return self.files[suffix]
        raise InvalidRecordError(f"{self.key} has no picture; valid: .{', .'.join(PICTURE_SUFFIXES)}")

    def _check(self, suffix: str) -> None:
        if suffix in self.faults:
            raise InvalidRecordError(f"{self.key}.{suffix} {self.faults[suffix]}")


def too_large(suffix: str) -> str:
    return f"is larger than {LIMITS[suffix]} bytes"


def split_name(name: str) -> tuple[str, str]:
    """Key and suffix of a file name; the key ends at the first dot."""
    key, _, suffix = name.partition(".")
    return key, suffix.lower()
