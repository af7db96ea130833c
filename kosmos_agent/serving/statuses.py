"""Errors as HTTP tells them: a status for proxies, and the code and the words that every face gives."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.skills.reports import Problem

STATUSES = {
    "invalid_image": 422,
    "invalid_phrase": 422,
    "invalid_box": 422,
    "invalid_argument": 422,
    "unauthorized": 401,
    "too_large": 413,
    "busy": 429,
    "cancelled": 499,
    "not_ready": 503,
    "timeout": 504,
}
"""Every other code is the server's own fault: 500."""
RETRY_AFTER_S = 1


class Failure(BaseModel):
    """What a request gets instead of an answer."""

    error: Problem


def failure(error: KosmosAgentError) -> JSONResponse:
    status = STATUSES.get(error.code, 500)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status in (429, 503) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    problem = Failure(error=Problem(code=error.code, message=str(error)))
    return JSONResponse(problem.model_dump(), status, headers)


def documented() -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI page: which code has which status."""
    codes: dict[int, list[str]] = {500: ["any other code"]}
    for code, status in STATUSES.items():
        codes.setdefault(status, []).append(code)
    return {status: {"model": Failure, "description": ", ".join(named)} for status, named in sorted(codes.items())}
