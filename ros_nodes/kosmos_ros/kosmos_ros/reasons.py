"""Coded errors <-> kosmos_interfaces/msg/Reason, so that a client can branch on what went wrong in another process."""

from __future__ import annotations

from kosmos_interfaces.msg import Reason

from kosmos_agent.errors import KosmosAgentError
from kosmos_ros.errors import RemoteError

CODES: dict[str, int] = {
    name.lower(): value
    for name, value in ((name, getattr(Reason, name)) for name in dir(Reason) if name.isupper())
    if isinstance(value, int) and value != Reason.NONE
}
"""An error's code -> the number in Reason."""

MAX_NAME_CHARACTERS, MAX_MESSAGE_CHARACTERS = 64, 1024


def reason_message(error: KosmosAgentError | None) -> Reason:
    """None: nothing went wrong. A code that Reason does not number is OTHER, and `name` keeps it."""
    if error is None:
        return Reason(code=Reason.NONE)
    message = " ".join(str(error).split())[:MAX_MESSAGE_CHARACTERS]
    return Reason(code=CODES.get(error.code, Reason.OTHER), name=error.code, message=message)


def error_from_reason(reason: Reason) -> RemoteError | None:
    """With the sender's code and words, bounded; None where nothing went wrong."""
    if reason.code == Reason.NONE:
        return None
    name = "".join(character for character in reason.name[:MAX_NAME_CHARACTERS] if character.isprintable())
    return RemoteError(name or "other", reason.message[:MAX_MESSAGE_CHARACTERS] or "no reason was given")
