"""What `ros doctor` finds: a fault, or something to know, and what to do about it. No ROS here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

MAX_CHARACTERS = 512


@dataclass(frozen=True)
class Fault:
    """code: stable, safe to branch on. subject: a node, topic, action or frame. level: `note`: nothing need be done."""

    code: str
    subject: str
    message: str
    remedy: str
    level: Literal["fault", "note"] = "fault"


def bounded(text: str) -> str:
    """What other programs wrote, on one line of printable characters."""
    kept = "".join(character if character.isprintable() else " " for character in text[:MAX_CHARACTERS])
    return " ".join(kept.split())


def sound(faults: Iterable[Fault]) -> bool:
    return all(fault.level == "note" for fault in faults)
