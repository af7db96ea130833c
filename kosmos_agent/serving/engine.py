"""What stands behind the server: something that answers requests, in this process or in others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from kosmos_agent.asks import Ask
from kosmos_agent.results import GroundedText, Grounding


@dataclass(frozen=True)
class Request:
    """image: a picture file's bytes. client: whose turn it takes. age_s: of the picture when it was sent."""

    image: bytes
    ask: Ask
    client: str
    timeout_s: float
    stamp_ns: int | None = None
    frame_id: str = "camera_optical_frame"
    age_s: float = 0.0


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True)

    age_s: float


class GroundReply(_Reply):
    """One answer for each phrase. age_s: of the picture, when the last was known: as it came, and its time here."""

    answers: tuple[Grounding, ...]


class TextReply(_Reply):
    """One text for each box or question, or the caption. age_s: as in `GroundReply`."""

    answers: tuple[GroundedText, ...]


Reply = GroundReply | TextReply


class Engine(Protocol):
    """Used on one event loop, between `start` and `close`."""

    @property
    def ready(self) -> bool: ...

    async def start(self) -> None:
        """Returns when requests can come. Errors of whatever it is made of."""
        ...

    async def ask(self, request: Request) -> Reply:
        """Cancelling this stops the work. BusyError where too many wait; errors of the picture and of the model."""
        ...

    async def close(self) -> None:
        """What still waits ends with NotReadyError."""
        ...
