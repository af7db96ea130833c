"""What an agent is to the suite: a command and the skills go in, a claim comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from kosmos_agent.skills import Skills

Status = Literal["done", "asked", "not_found", "failed"]
"""done: what was asked for is done. asked: a question stands open. not_found: the thing is not there. failed: anything
else that is not done."""


@dataclass(frozen=True)
class Claim:
    """How an agent says that it ended. tool_calls: names of the skills that it called, in order. words: for people."""

    status: Status
    tool_calls: tuple[str, ...] = ()
    words: str = ""


class Person:
    """Whoever gave the command. asked: the questions so far; the first is answered, where there is a reply."""

    def __init__(self, reply: str | None = None) -> None:
        self._reply = reply
        self.asked: list[str] = []

    def __call__(self, question: str) -> str | None:
        """None: nobody answers."""
        self.asked.append(question)
        return self._reply if len(self.asked) == 1 else None


class Agent(Protocol):
    """It may look and move through the skills alone, and ask the person."""

    def __call__(self, command: str, skills: Skills, person: Person) -> Claim: ...
