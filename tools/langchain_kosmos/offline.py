"""A chat model without a network and without learning: a command planner behind LangChain's own interface."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_kosmos.claims import Statement
from langchain_kosmos.history import course_of
from langchain_kosmos.replies import help_text

_WORD = re.compile(r"\S+\s*|\s+")


class OfflineCommander(BaseChatModel):
    """Understands commands of a closed grammar (`grammar.KINDS`), and calls the tools they need, one after another.

    It keeps nothing between calls: where it stands is read from the messages. Orders come from human messages alone;
    of a tool's result it reads the artifact, so that no words in a picture can ask it for anything. The last message
    of a turn carries `claims.Statement` in its `response_metadata`. Only tools that are bound are ever called.
    """

    model_name: Literal["offline"] = "offline"

    @property
    def _llm_type(self) -> str:
        return "kosmos-offline-commander"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """tool_choice counts for nothing: the command decides."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=_next_message(messages, kwargs))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=_next_message(messages, kwargs))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _chunks(_next_message(messages, kwargs)):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in _chunks(_next_message(messages, kwargs)):
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def bound_names(tools: Sequence[dict[str, Any]]) -> frozenset[str]:
    """The names in schemas as they are sent to a model."""
    return frozenset(str(tool["function"]["name"]) for tool in tools if "function" in tool)


def _next_message(messages: Sequence[BaseMessage], options: dict[str, Any]) -> AIMessage:
    """The next call, or the last word of the turn."""
    course = course_of(messages, bound_names(options.get("tools") or ()))
    if course is None:
        return _last_word(help_text(), Statement(outcome="not_understood"))
    if course.wanted is None:
        return _last_word(course.text, course.statement)
    # The place in the talk makes it unique there, and the same whenever the talk is read again.
    call = ToolCall(name=course.wanted.tool, args=dict(course.wanted.arguments), id=f"call_{len(messages)}")
    return AIMessage(content="", tool_calls=[call])


def _last_word(text: str, statement: Statement) -> AIMessage:
    return AIMessage(content=text, response_metadata=statement.as_metadata())


def _chunks(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    """Word by word; a tool call as its name first and then its arguments."""
    for word in _WORD.findall(message.text):
        yield ChatGenerationChunk(message=AIMessageChunk(content=word))
    for index, call in enumerate(message.tool_calls):
        pieces = [(call["name"], "", call["id"]), (None, json.dumps(call["args"], ensure_ascii=False), None)]
        for name, arguments, identity in pieces:
            piece = tool_call_chunk(name=name, args=arguments, id=identity, index=index)
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[piece]))
    last = AIMessageChunk(content="", response_metadata=message.response_metadata, chunk_position="last")
    yield ChatGenerationChunk(message=last)
