"""Between a model and its tools: calls that cannot be made come back as messages that list what can."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.runtime import Runtime
from langgraph.types import Command
from pydantic import BaseModel, ValidationError

from langchain_kosmos.motion import motions

Answer = ToolMessage | Command[Any]


class ToolCallGuard(AgentMiddleware[Any, Any, Any]):
    """Unknown tools, wrong arguments, arguments that are no JSON, and a second motion in one breath never reach a tool.

    Each is answered with `CODE: message`: `unknown_tool`, `invalid_argument`, `malformed_call`, `one_motion_at_a_time`.
    """

    def __init__(self, tools: Sequence[BaseTool]) -> None:
        super().__init__()
        self._tools = {tool.name: tool for tool in tools}
        self._motions = frozenset(motions(tools))

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Answers what is no call at all, and all motions but the first."""
        message = state["messages"][-1]
        if not isinstance(message, AIMessage):
            return None
        malformed = [
            _error(call["id"], call["name"], f"malformed_call: the arguments are no JSON; {self._valid(call['name'])}")
            for call in message.invalid_tool_calls
        ]
        moving = [call for call in message.tool_calls if call["name"] in self._motions]
        crowded = [
            _error(call["id"], call["name"], "one_motion_at_a_time: nothing was moved; call it again after the other")
            for call in moving[1:]
        ]
        if not malformed and not crowded:
            return None
        answered: dict[str, Any] = {"messages": [*malformed, *crowded]}
        return answered if message.tool_calls else {**answered, "jump_to": "model"}

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        return self.after_model(state, runtime)

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Answer]) -> Answer:
        return self._refusal(request) or handler(request)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Answer]]
    ) -> Answer:
        return self._refusal(request) or await handler(request)

    def lets_through(self, request: ToolCallRequest) -> bool:
        """False for a call that is answered already, or will be without its tool."""
        messages = request.state["messages"]
        answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
        return request.tool_call["id"] not in answered and self._refusal(request) is None

    def _refusal(self, request: ToolCallRequest) -> ToolMessage | None:
        call = request.tool_call
        tool = self._tools.get(call["name"])
        if tool is None:
            return _error(call["id"], call["name"], f"unknown_tool: {call['name'][:60]!r}; {self._valid(call['name'])}")
        problem = _problem(tool, call["args"])
        if problem is None:
            return None
        return _error(call["id"], call["name"], f"invalid_argument: {problem}; {self._valid(tool.name)}")

    def _valid(self, name: str | None) -> str:
        tool = self._tools.get(name or "")
        if tool is None:
            return f"valid: {', '.join(self._tools)}"
        return f"valid: {valid_arguments(tool)}"


def valid_arguments(tool: BaseTool) -> str:
    """`phrase (string, required), relation ("on" or "in")`, from the schema that a model is shown."""
    schema = _schema(tool)
    required = schema.get("required", ())
    fields = [
        f"{name} ({_kind(field)}{', required' if name in required else ''})"
        for name, field in schema.get("properties", {}).items()
    ]
    return f"{tool.name} takes {', '.join(fields) or 'no arguments'}"


def _schema(tool: BaseTool) -> Mapping[str, Any]:
    shown = tool.tool_call_schema
    return shown if isinstance(shown, dict) else cast(type[BaseModel], shown).model_json_schema()


def _kind(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(json.dumps(value) for value in field["enum"])
    kinds = [part for part in field.get("anyOf", [field]) if part.get("type") != "null"]
    return " or ".join(str(part.get("type", "value")) for part in kinds) or "value"


def _problem(tool: BaseTool, arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments, in words; a tool whose schema is not ours to run judges them itself."""
    schema = tool.args_schema
    if not isinstance(schema, type) or not issubclass(schema, BaseModel):
        return None
    # Arguments that the agent fills in itself are no concern of a model: such a tool is checked as the model sees it.
    shown = cast(type[BaseModel], tool.tool_call_schema)
    try:
        (schema if set(shown.model_fields) == set(schema.model_fields) else shown).model_validate(dict(arguments))
    except ValidationError as error:
        return "; ".join(
            f"{'.'.join(map(str, part['loc'])) or tool.name}: {part['msg']}" for part in error.errors()[:4]
        )
    return None


def _error(identity: str | None, name: str | None, content: str) -> ToolMessage:
    return ToolMessage(content=content, name=name or "", tool_call_id=identity or "", status="error")
