"""What an agent says that it has done, for programs: an evaluation holds it against what it can see itself (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel, ConfigDict

Outcome = Literal["done", "failed", "asked", "not_found", "answered", "not_understood", "refused"]
"""done: all motions asked for were made. answered: there were none, and the questions are. refused: a person or a
missing tool stands against it."""

KEY = "kosmos"


class Claim(BaseModel):
    """One step. status: what the tool said last. confirmed: what the look after a motion said; None without one."""

    model_config = ConfigDict(frozen=True)

    skill: str
    done: bool
    phrase: str | None = None
    target_id: str | None = None
    relation: str | None = None
    status: str = ""
    confirmed: Literal["yes", "no", "cannot_tell"] | None = None


class Statement(BaseModel):
    """How a turn ended, and its steps in order."""

    model_config = ConfigDict(frozen=True)

    outcome: Outcome
    claims: tuple[Claim, ...] = ()

    def as_metadata(self) -> dict[str, Any]:
        """For `AIMessage.response_metadata`."""
        return {KEY: self.model_dump(mode="json")}


def statement_of(messages: BaseMessage | Sequence[BaseMessage]) -> Statement | None:
    """What the last word of an agent claims; None where it makes no typed claim, as a language model does not."""
    last = messages if isinstance(messages, BaseMessage) else next(iter(reversed(messages)), None)
    if not isinstance(last, AIMessage) or KEY not in last.response_metadata:
        return None
    return Statement.model_validate(last.response_metadata[KEY])
