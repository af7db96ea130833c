"""One turn of an agent, watched: what it calls, what comes back, what it says, and whom it asks first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_kosmos.agent import Agent
from langchain_kosmos.claims import Statement, statement_of
from langchain_kosmos.tool_results import ToolResult, read_result
from langgraph.types import Command
from PIL import Image

from kosmos_agent.cli._output import save_picture

Draw = Callable[[ToolResult], Image.Image | None]
"""The picture that a result rests on, its answer drawn onto it."""
_MODES: tuple[Literal["updates", "messages", "custom"], ...] = ("updates", "messages", "custom")


class Watcher(Protocol):
    """Whoever is told of a turn as it goes on."""

    def called(self, tool: str, arguments: Mapping[str, Any]) -> None: ...

    def progressed(self, tool: str, stage: str) -> None: ...

    def returned(self, result: ToolResult, picture: Path | None) -> None: ...

    def said(self, words: str) -> None:
        """A piece of the answer."""

    def approves(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Whether this call may be made."""


@dataclass
class Turn:
    """calls: tool, arguments, and the result once it has come, in the order of the calls. text: the last word."""

    command: str
    text: str = ""
    statement: Statement | None = None
    calls: list[tuple[str, dict[str, Any], ToolResult | None]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """What the agent claims; a language model's words are not read for that."""
        return self.statement is None or self.statement.outcome in ("done", "answered")


class Conversation:
    """One talk with one agent, which must have a checkpointer. draw, out: pictures go there, numbered."""

    def __init__(self, agent: Agent, watcher: Watcher, draw: Draw, out: Path) -> None:
        self._agent, self._watcher, self._draw, self._out = agent, watcher, draw, out
        self._config: RunnableConfig = {"configurable": {"thread_id": "cli"}}
        self._pictures = 0
        self._heard = ""

    def say(self, command: str) -> Turn:
        """Errors of the model pass through; those of tools are part of the turn."""
        turn, self._heard = Turn(command), ""
        waiting: list[Mapping[str, Any]] = self._run({"messages": [HumanMessage(command)]}, turn)
        while waiting:
            decisions = [self._decision(request) for request in waiting]
            waiting = self._run(Command(resume={"decisions": decisions}), turn)
        messages: Sequence[BaseMessage] = self._agent.get_state(self._config).values["messages"]
        turn.text = messages[-1].text
        turn.statement = statement_of(messages)
        if not self._heard.endswith(turn.text):
            self._watcher.said(turn.text)  # not every model streams, and middleware speaks at once
        return turn

    def _run(self, given: Any, turn: Turn) -> list[Mapping[str, Any]]:
        """Until the end or until a person is asked; gives what is asked about."""
        waiting: list[Mapping[str, Any]] = []
        events: Iterator[Any] = self._agent.stream(given, self._config, stream_mode=list(_MODES))
        for mode, part in events:
            if mode == "messages":
                self._hear(part[0])
            elif mode == "custom" and isinstance(part, Mapping):
                self._watcher.progressed(str(part.get("tool", "")), str(part.get("progress", "")))
            elif mode == "updates":
                waiting += [request for stop in part.get("__interrupt__", ()) for request in _requests(stop.value)]
                for message in _messages(part):
                    self._note(message, turn)
        return waiting

    def _hear(self, message: BaseMessage) -> None:
        if isinstance(message, AIMessageChunk) and message.text:
            self._heard += message.text
            self._watcher.said(message.text)

    def _note(self, message: BaseMessage, turn: Turn) -> None:
        if isinstance(message, AIMessage):
            for call in message.tool_calls:
                turn.calls.append((call["name"], dict(call["args"]), None))
                self._watcher.called(call["name"], call["args"])
        elif isinstance(message, ToolMessage):
            result = read_result(message)
            picture = self._saved(result)
            turn.files += [] if picture is None else [str(picture)]
            self._answer(turn, result)
            self._watcher.returned(result, picture)

    def _answer(self, turn: Turn, result: ToolResult) -> None:
        """Of two open calls of one tool the older is answered."""
        for index, (tool, arguments, known) in enumerate(turn.calls):
            if known is None and tool == result.tool:
                turn.calls[index] = (tool, arguments, result)
                return

    def _saved(self, result: ToolResult) -> Path | None:
        picture = self._draw(result) if result.code is None else None
        if picture is None:
            return None
        self._pictures += 1
        path = self._out / f"{self._pictures:02d}-{result.tool}.png"
        save_picture(picture, path)
        return path

    def _decision(self, request: Mapping[str, Any]) -> dict[str, str]:
        yes = self._watcher.approves(str(request["name"]), request.get("args", {}))
        return {"type": "approve" if yes else "reject"}


def turn_json(turn: Turn) -> dict[str, Any]:
    """What was asked, called, answered and claimed."""
    return {
        "command": turn.command,
        "text": turn.text,
        "outcome": None if turn.statement is None else turn.statement.outcome,
        "claims": [] if turn.statement is None else turn.statement.model_dump(mode="json")["claims"],
        "calls": [_call_json(*call) for call in turn.calls],
        "files": turn.files,
    }


def _call_json(tool: str, arguments: dict[str, Any], result: ToolResult | None) -> dict[str, Any]:
    call: dict[str, Any] = {"tool": tool, "arguments": arguments}
    if result is None:
        return {**call, "status": None, "code": None, "message": "not called", "report": None}
    report = dict(result.report) or None
    return {**call, "status": result.status or None, "code": result.code, "message": result.message, "report": report}


def _requests(stop: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(stop["action_requests"])


def _messages(update: Mapping[str, Any]) -> Iterator[BaseMessage]:
    """Of every node that wrote some."""
    for written in update.values():
        if isinstance(written, Mapping):
            messages = written.get("messages", [])
            yield from messages if isinstance(messages, list) else [messages]
