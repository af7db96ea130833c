"""A request's body, bounded while it comes, as what it asks: JSON with the picture in base64, or a form with a file."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request as HttpRequest

from kosmos_agent.asks import MAX_TOGETHER, Ask, in_words
from kosmos_agent.errors import GoalTimeoutError, InvalidArgumentError, InvalidImageError, TooLargeError
from kosmos_agent.serving.engine import Request

DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S = 30.0, 300.0
_MAX_FIELDS = 2 * MAX_TOGETHER
_MAX_FIELD_BYTES = 4096
_LISTS = ("phrases", "boxes", "questions")


class PictureNote(BaseModel):
    """What a request says of its picture, and how long it waits for an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stamp_ns: int | None = Field(default=None, description="When it was taken, on the camera's clock.")
    frame_id: str = Field(default="camera_optical_frame", max_length=256, description="The camera's optical frame.")
    age_s: float = Field(default=0.0, ge=0, le=1e6, description="How old it was when it was sent.")
    timeout_s: float = Field(default=DEFAULT_TIMEOUT_S, gt=0, le=MAX_TIMEOUT_S, description="For the whole answer.")


@dataclass(frozen=True)
class BodyLimits:
    """max_bytes: of a body. max_body_s: for all of it to come."""

    max_bytes: int = 16 << 20
    max_body_s: float = 10.0


async def read_request(http: HttpRequest, ask: type[Ask], limits: BodyLimits, client: str) -> Request:
    """TooLargeError, GoalTimeoutError for a body that comes too slowly, InvalidImageError for none, and errors of the
    ask's own fields."""
    try:
        async with asyncio.timeout(limits.max_body_s):
            fields = await _fields(http, limits.max_bytes)
    except TimeoutError as error:
        raise GoalTimeoutError(f"the request's body took longer than {limits.max_body_s:g} s to come") from error
    image = await asyncio.to_thread(_image, fields.pop("image", None))
    about = {name: fields.pop(name) for name in PictureNote.model_fields if name in fields}
    try:
        note, asked = PictureNote.model_validate(about), ask.model_validate(fields)
    except ValidationError as error:
        valid = ", ".join(name for kind in (ask, PictureNote) for name in kind.model_fields if name != "task")
        raise InvalidArgumentError(f"{in_words(error)}; valid: image, {valid}") from error
    return Request(image, asked, client, note.timeout_s, note.stamp_ns, note.frame_id, note.age_s)


async def _fields(http: HttpRequest, max_bytes: int) -> dict[str, Any]:
    kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = _bounded(http, max_bytes)
    if kind == "application/json":
        return await asyncio.to_thread(_from_json, b"".join([chunk async for chunk in body]))
    if kind == "multipart/form-data":
        return await _from_form(http, body)
    raise InvalidArgumentError(f"content type {kind[:64]!r}; valid: application/json, multipart/form-data")


async def _bounded(http: HttpRequest, max_bytes: int) -> AsyncGenerator[bytes, None]:
    said, came = http.headers.get("content-length", "0"), 0
    if said.isdecimal() and int(said) > max_bytes:
        raise TooLargeError(f"a body of {said} bytes; valid: at most {max_bytes}")
    async for chunk in http.stream():
        came += len(chunk)
        if came > max_bytes:
            raise TooLargeError(f"a body of more than {max_bytes} bytes; valid: at most {max_bytes}")
        yield chunk


def _from_json(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidArgumentError(f"the body is a {type(fields).__name__}; valid: a JSON object")
    return fields


async def _from_form(http: HttpRequest, body: AsyncGenerator[bytes, None]) -> dict[str, Any]:
    parser = MultiPartParser(http.headers, body, max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise InvalidArgumentError(f"the form cannot be read: {error}") from error
    try:
        return await _form_fields(form)
    finally:
        await form.close()


async def _form_fields(form: FormData) -> dict[str, Any]:
    """Fields that may be given several times become lists, `boxes=x1,y1,x2,y2` four numbers each."""
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        given: Any = await value.read() if isinstance(value, UploadFile) else value
        if name == "boxes":
            given = dict(zip(("x1", "y1", "x2", "y2"), str(given).split(","), strict=False))
        if name in _LISTS:
            fields.setdefault(name, []).append(given)
        elif name in fields:
            raise InvalidArgumentError(f"{name[:64]!r} is given twice; valid several times: {', '.join(_LISTS)}")
        else:
            fields[name] = given
    return fields


def _image(given: Any) -> bytes:
    """From base64, or the file as it came. InvalidImageError."""
    if isinstance(given, bytes) and given:
        return given
    if isinstance(given, str) and given:
        try:
            return base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidImageError(f"image is not base64: {error}") from error
    raise InvalidImageError("no image; valid: a picture's bytes, in base64 in JSON or as a file of a form")
