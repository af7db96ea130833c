"""Messages -> the turns of a talk. A person's words are those of human messages, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from langchain_kosmos.course import Course, Memory
from langchain_kosmos.follow_up import take_up
from langchain_kosmos.tool_results import read_result

MAX_TURNS = 20
"""How far back a talk is read."""


@dataclass(frozen=True)
class Turn:
    """What a person said, and each tool call after it that has its result, in order."""

    text: str
    exchanges: tuple[tuple[ToolCall, ToolMessage], ...]


def turns(messages: Sequence[BaseMessage]) -> list[Turn]:
    """What comes before the first human message belongs to no turn."""
    starts = [index for index, message in enumerate(messages) if isinstance(message, HumanMessage)]
    ends = [*starts[1:], len(messages)]
    return [
        Turn(messages[start].text, _exchanges(messages[start + 1 : end]))
        for start, end in zip(starts, ends, strict=True)
    ]


def course_of(messages: Sequence[BaseMessage], bound: Set[str]) -> Course | None:
    """The newest turn as far as it has come; None where nobody has said anything. bound: names of the tools."""
    course: Course | None = None
    for turn in turns(messages)[-MAX_TURNS:]:
        course = _course(turn, course, bound)
    return course


def _course(turn: Turn, before: Course | None, bound: Set[str]) -> Course:
    course = Course(Memory() if before is None else before.memory, bound)
    question = None if before is None else before.question
    if question is None or not take_up(course, question, turn.text):
        course.begin(turn.text)
    for call, message in turn.exchanges:
        named = message if message.name else message.model_copy(update={"name": call["name"]})
        course.take(call["name"], call["args"], read_result(named))
    return course


def _exchanges(messages: Sequence[BaseMessage]) -> tuple[tuple[ToolCall, ToolMessage], ...]:
    results = {message.tool_call_id: message for message in reversed(messages) if isinstance(message, ToolMessage)}
    calls = [call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    return tuple((call, results[call["id"] or ""]) for call in calls if call["id"] in results)
