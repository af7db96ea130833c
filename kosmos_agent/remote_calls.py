"""The calls of `RemoteGrounder`: one POST each, bounded in time, tried again only where nothing can have come of it.

Every call is a question and changes nothing, so that it may be asked twice. It is not where the server may be at work
on it still: after a time limit another try would only add to its load.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from kosmos_agent.asks import Ask
from kosmos_agent.errors import (
    GoalTimeoutError,
    InvalidArgumentError,
    KosmosAgentError,
    NotReadyError,
    UnreachableError,
    error_of,
)
from kosmos_agent.results import GroundedText, Grounding

_PATHS = {"find": "/v1/ground", "describe": "/v1/describe", "caption": "/v1/caption", "answer": "/v1/answer"}
_AGAIN = (429, 502, 503)
_LOST = (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
_MAX_ANSWER_BYTES = 16 << 20
_MAX_CODE, _MAX_WORDS = 64, 1024
_CONNECT_S = 5.0


class _GroundAnswers(BaseModel):
    model_config = ConfigDict(frozen=True)
    answers: list[Grounding]


class _TextAnswers(BaseModel):
    model_config = ConfigDict(frozen=True)
    answers: list[GroundedText]


_Answers = TypeVar("_Answers", _GroundAnswers, _TextAnswers)


@dataclass(frozen=True)
class Retries:
    """How often, beside the first time, and how long between, doubled each time; the server's own wish goes before.

    The time limit of a call ends them too.
    """

    count: int = 3
    pause_s: float = 0.1
    longest_pause_s: float = 2.0

    def pause(self, tried: int, wished: str | None) -> float:
        """Seconds; up to half as long again, so that many robots do not come back at once."""
        wanted = self.pause_s * 2**tried if wished is None or not wished.isdecimal() else float(wished)
        return min(wanted, self.longest_pause_s) * (1 + random.random() / 2)


@dataclass(frozen=True, eq=False)
class Picture:
    """A file's bytes, and what is said of it."""

    data: bytes
    kind: str
    stamp_ns: int | None
    frame_id: str


class Remote:
    """Thread-safe. InvalidArgumentError for an address or a token that cannot be one."""

    def __init__(
        self,
        url: str,
        token: str | None,
        timeout_s: float,
        retries: Retries,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = _checked_url(url, token)
        if not 0 < timeout_s <= 300:
            raise InvalidArgumentError(f"timeout_s {timeout_s}; valid: above 0, at most 300")
        self._timeout_s, self._retries, self._sleep, self._now_s = timeout_s, retries, sleep, now_s
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # No proxy of the environment: it would see the pictures and the token.
        self._http = httpx.Client(
            base_url=self.url, headers=headers, trust_env=False, follow_redirects=False, transport=transport
        )

    def close(self) -> None:
        self._http.close()

    def check(self) -> None:
        """UnreachableError, NotReadyError."""
        try:
            answer = self._http.get("/ready", timeout=_CONNECT_S)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.status_code != 200:
            raise NotReadyError(f"{self.url} is not ready (status {answer.status_code})")

    def ground(self, picture: Picture, ask: Ask) -> list[Grounding]:
        return self._asked(picture, ask, _GroundAnswers).answers

    def text(self, picture: Picture, ask: Ask) -> list[GroundedText]:
        return self._asked(picture, ask, _TextAnswers).answers

    def _asked(self, picture: Picture, ask: Ask, kind: type[_Answers]) -> _Answers:
        answer = self._post(_PATHS[ask.task], picture, ask)
        try:
            found = kind.model_validate_json(answer.content)
        except (ValidationError, KosmosAgentError) as error:
            raise UnreachableError(f"{self.url} gave an answer that is none of a grounding server") from error
        return found

    def _post(self, path: str, picture: Picture, ask: Ask) -> httpx.Response:
        end_s = self._now_s() + self._timeout_s
        for tried in range(self._retries.count + 1):
            last = tried == self._retries.count
            try:
                answer = self._send(path, picture, ask, end_s - self._now_s())
            except _LOST as error:
                if last:
                    raise self._unreachable(error) from error
                pause_s = self._retries.pause(tried, None)
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            else:
                if answer.status_code == 200:
                    return answer
                if last or answer.status_code not in _AGAIN:
                    raise self._error(answer)
                pause_s = self._retries.pause(tried, answer.headers.get("retry-after"))
            if self._now_s() + pause_s >= end_s:
                raise self._out_of_time()
            self._sleep(pause_s)
        raise self._out_of_time()

    def _send(self, path: str, picture: Picture, ask: Ask, left_s: float) -> httpx.Response:
        if left_s <= 0:
            raise self._out_of_time()
        limits = httpx.Timeout(left_s, connect=min(left_s, _CONNECT_S))
        try:
            return self._http.post(
                path,
                files={"image": (f"picture.{picture.kind}", picture.data, "application/octet-stream")},
                data=_form(picture, ask, left_s),
                timeout=limits,
            )
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise self._unreachable(error) from error
            raise self._out_of_time() from error

    def _error(self, answer: httpx.Response) -> KosmosAgentError:
        """What the server says went wrong, bounded; or that it is no server of ours."""
        try:
            told = answer.json()["error"]
            code, message = str(told["code"])[:_MAX_CODE], str(told["message"])[:_MAX_WORDS]
        except (ValueError, KeyError, TypeError):
            return UnreachableError(f"{self.url} answers with status {answer.status_code} and no reason of its own")
        return error_of(code, message)

    def _unreachable(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"nothing answers at {self.url} ({type(error).__name__}); valid: the address of a `kosmos-agent serve`"
        )

    def _out_of_time(self) -> GoalTimeoutError:
        return GoalTimeoutError(f"{self.url} gave no answer within {self._timeout_s:g} s")


def _form(picture: Picture, ask: Ask, left_s: float) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"frame_id": picture.frame_id, "timeout_s": f"{left_s:.3f}"}
    if picture.stamp_ns is not None:
        fields["stamp_ns"] = str(picture.stamp_ns)
    for name, value in ask.model_dump(mode="json", exclude={"task"}, exclude_none=True).items():
        if name == "boxes":
            fields[name] = [",".join(repr(box[corner]) for corner in ("x1", "y1", "x2", "y2")) for box in value]
        else:
            fields[name] = str(value).lower() if isinstance(value, bool) else value
    return fields


def _checked_url(url: str, token: str | None) -> str:
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise InvalidArgumentError(f"{url!r} is no address; valid: http://HOST:PORT") from error
    if parts.scheme not in ("http", "https") or not parts.host or parts.userinfo or parts.query or parts.fragment:
        raise InvalidArgumentError(f"{parts.host or url!r} is no address of a server; valid: http://HOST:PORT")
    if token is not None and (not token.isascii() or not token.isprintable() or not token):
        raise InvalidArgumentError("this token is no good; valid: the one that the server was started with")
    return str(parts).rstrip("/")
