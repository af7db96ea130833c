"""What a tool came back with, read from its artifact and never from its prose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import ToolMessage
from pydantic import ValidationError

from kosmos_agent.results import Box

NO_REPORT = "no_report"
REJECTED = "rejected"
_CODE = re.compile(r"^(?P<code>[a-z][a-z_]{1,39}): ?(?P<message>.*)", re.S)
_MAX_WORDS = 200


@dataclass(frozen=True)
class ToolResult:
    """report: the artifact, empty where there is none. code: of the error, and `no_report` where neither came.

    status: of the report; the empty text with an error. message: the error's own words, cut short.
    """

    tool: str
    report: Mapping[str, Any]
    code: str | None
    message: str

    @property
    def status(self) -> str:
        return "" if self.code is not None else str(self.report.get("status", ""))

    @property
    def confirmed(self) -> str:
        """`yes`, `no` or `cannot_tell`, also where nothing was said."""
        said = self.report.get("confirmed")
        return said if said in ("yes", "no") else "cannot_tell"

    @property
    def question(self) -> str | None:
        asked = self.report.get("question") or self.answer.get("question")
        return asked if isinstance(asked, str) and asked else None

    @property
    def answer(self) -> Mapping[str, Any]:
        """The grounding that the report rests on; empty where there is none."""
        return _mapping(self.report.get("answer")) or _mapping(_mapping(self.report.get("pick")).get("answer"))

    @property
    def doubt(self) -> str:
        """What the report says of a motion as a whole."""
        return str(self.report.get("message") or _mapping(self.report.get("pick")).get("message") or "").rstrip(".")

    @property
    def outcome(self) -> Mapping[str, Any]:
        """How the motion ended; empty without one."""
        return _mapping(self.report.get("outcome")) or _mapping(_mapping(self.report.get("pick")).get("outcome"))

    @property
    def target_ids(self) -> tuple[str, ...]:
        ids = self.report.get("target_ids")
        return tuple(map(str, ids)) if isinstance(ids, Sequence) and not isinstance(ids, str) else ()

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Of the candidates, in the order of `target_ids`; none where one of them is no box."""
        try:
            return tuple(Box.model_validate(_mapping(item).get("box")) for item in self.answer.get("candidates") or ())
        except ValidationError:
            return ()

    @property
    def position_m(self) -> tuple[tuple[float, float, float], str] | None:
        """Of the first thing located, and its frame."""
        return self.position_of(None)

    def position_of(self, target_id: str | None) -> tuple[tuple[float, float, float], str] | None:
        """Where the thing with this id (None: the first) is, and in which frame; None where nobody said."""
        for located in map(_mapping, self.report.get("targets") or ()):
            target = _mapping(located.get("target"))
            if target_id in (None, located.get("target_id")) and len(target.get("position_m") or ()) == 3:
                x, y, z = target["position_m"]
                return (float(x), float(y), float(z)), str(target.get("frame_id", ""))
        return None

    @property
    def text(self) -> str:
        """Words read out of the scene."""
        return str(_mapping(self.report.get("description")).get("text", ""))


def read_result(message: ToolMessage) -> ToolResult:
    """Never fails: what cannot be read is a result with a code."""
    tool = message.name or ""
    if message.status == "error":
        match = _CODE.match(message.text)
        said = match["message"] if match else message.text
        return ToolResult(tool, {}, match["code"] if match else _uncoded(message.text), _short(said))
    report = _mapping(message.artifact)
    report = _mapping(report.get("structured_content")) or report
    if not isinstance(report.get("status"), str):
        return ToolResult(tool, {}, NO_REPORT, "the tool gave no report")
    return ToolResult(tool, report, None, "")


def _uncoded(text: str) -> str:
    """Approval middleware says so in words of its own, without a code."""
    return REJECTED if text.startswith("User rejected") else "error"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_WORDS else line[:_MAX_WORDS] + " ..."
