"""An agent with eyes and hands: a chat model, tools, and what stands between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    InterruptOnConfig,
    ModelCallLimitMiddleware,
    ModelRetryMiddleware,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
)
from langchain.agents.middleware.types import ToolCallRequest
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.state import CompiledStateGraph

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from langchain_kosmos.guard import ToolCallGuard
from langchain_kosmos.motion import motions
from langchain_kosmos.offline import OfflineCommander
from langchain_kosmos.prompt import SYSTEM_PROMPT

Approval = Literal["motion"] | bool
Agent = CompiledStateGraph[Any, Any, Any, Any]

MAX_TOOL_CALLS = 30
"""The longest command of the offline planner, twelve clauses with a second try each, stays below it."""


def build_agent(
    model: str | BaseChatModel = "offline",
    *,
    tools: Sequence[BaseTool],
    approve: Approval = "motion",
    max_tool_calls: int = MAX_TOOL_CALLS,
    retries: int = 1,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    system_prompt: str = SYSTEM_PROMPT,
) -> Agent:
    """The agent as a graph: `invoke({"messages": [...]})`, and the same with `stream`, `ainvoke` and `astream`.

    model: `offline`, a name that `init_chat_model` takes (`openai:gpt-5.5`), or a chat model.
    approve: True or "motion": before each call that may move something the run stops and waits for a person
    (`langgraph.types.Command(resume=...)`, decisions `approve` and `reject`); that needs a `thread_id` and a
    checkpointer, which is in memory where none is given. False: nobody is asked; meant for simulations.
    max_tool_calls: within one run. retries: how often a call that failed unexpectedly is made again, of tools that only
    look, and of a hosted model; a motion is never repeated.
    InvalidArgumentError: no such model, or a limit below its range.
    """
    if max_tool_calls < 1 or retries < 0:
        raise InvalidArgumentError(f"max_tool_calls {max_tool_calls}, retries {retries}; valid: from 1, from 0")
    chat = chat_model(model)
    asks = approve is not False and bool(motions(tools))
    return create_agent(
        chat,
        list(tools),
        system_prompt=system_prompt,
        middleware=_middleware(chat, tools, asks, max_tool_calls, retries),
        checkpointer=InMemorySaver() if asks and checkpointer is None else checkpointer,
    )


def chat_model(model: str | BaseChatModel) -> BaseChatModel:
    """See `build_agent`."""
    if isinstance(model, BaseChatModel):
        return model
    if model == "offline":
        return OfflineCommander()
    try:
        return init_chat_model(model)
    except (ValueError, ImportError) as error:
        words = " ".join(str(error).split())
        raise InvalidArgumentError(
            f"no chat model {model!r}: {words[:300]}; valid: offline, or provider:name of an installed provider, for "
            "example openai:gpt-5.5 with langchain-openai"
        ) from error


def _middleware(
    chat: BaseChatModel, tools: Sequence[BaseTool], asks: bool, max_tool_calls: int, retries: int
) -> list[AgentMiddleware[Any, Any, Any]]:
    """From the outermost to the innermost."""
    moving = motions(tools)
    looking = [tool for tool in tools if tool.name not in moving]
    guard = ToolCallGuard(tools)
    chain: list[AgentMiddleware[Any, Any, Any]] = []
    # The limit of tool calls leaves the model the word; this one ends a model that goes on calling.
    chain.append(ModelCallLimitMiddleware(run_limit=max_tool_calls + 3, exit_behavior="end"))
    if asks:
        chain.append(HumanInTheLoopMiddleware({name: _approval(guard) for name in moving}))
    chain.append(ToolCallLimitMiddleware(run_limit=max_tool_calls, exit_behavior="continue"))
    chain.append(guard)
    chain.append(ToolErrorMiddleware(_tool_failure))
    if looking and retries:
        chain.append(
            ToolRetryMiddleware(tools=list(looking), max_retries=retries, on_failure="error", initial_delay=0.0)
        )
    if not isinstance(chat, OfflineCommander):
        chain.append(ModelRetryMiddleware(max_retries=retries, on_failure=_model_failure, initial_delay=0.0))
    return chain


def _approval(guard: ToolCallGuard) -> InterruptOnConfig:
    """Nobody is asked about a call that cannot be made."""
    return {"allowed_decisions": ["approve", "reject"], "when": guard.lets_through}


def _tool_failure(error: Exception, request: ToolCallRequest) -> str:
    """For what a tool did not foresee. The words of an error that is not ours may say too much."""
    name = request.tool_call["name"]
    if isinstance(error, KosmosAgentError):
        return f"{error.code}: {error}"
    kind = type(error).__name__
    if request.tool is not None and motions([request.tool]):
        return f"internal: {name} failed with {kind}; it is not known whether anything moved: look before moving again"
    return f"internal: {name} failed with {kind}"


def _model_failure(error: Exception) -> str:
    return f"The language model gave no usable answer ({type(error).__name__}). Nothing more was done."
